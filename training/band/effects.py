"""Light effects on a rendered stem, and its level."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.signal import fftconvolve, lfilter

from training.band.fluidsynth import SAMPLE_RATE

# Loudness of each kind of part in dB RMS while it sounds, by General MIDI family.
LEVELS_DB: dict[int, float] = {-1: -20.0, 4: -21.0, 3: -24.0, 0: -24.0, 6: -27.0, 11: -28.0}
LEAD_LEVEL_DB = -22.0
OTHER_LEVEL_DB = -25.0
SILENCE = 1e-4


def add_effects(
    rng: np.random.Generator, audio: NDArray[np.float32], family: int
) -> NDArray[np.float32]:
    """Saturation (guitar and bass), tilt, small room, each with a certain probability.

    `audio` is float32 [samples]; `family` is the General MIDI family, -1 for drums.
    """
    wet = np.asarray(audio, np.float64)
    if rng.random() < {3: 0.3, 4: 0.2}.get(family, 0.0):
        wet = _saturate(wet, rng.uniform(0.4, 1.2))
    if rng.random() < 0.5:
        wet = lfilter([1.0, -rng.uniform(-0.35, 0.35)], [1.0], wet)
    if rng.random() < 0.6:
        wet = _room(rng, wet)
    return wet.astype(np.float32)


def set_level(
    rng: np.random.Generator, audio: NDArray[np.float32], family: int, lead: bool
) -> NDArray[np.float32]:
    """Scale a stem to the usual level of its kind, within 3 dB."""
    level = LEAD_LEVEL_DB if lead else LEVELS_DB.get(family, OTHER_LEVEL_DB)
    gain = 10 ** ((level + rng.uniform(-3.0, 3.0)) / 20) / max(_active_rms(audio), 1e-9)
    return (audio * np.float32(gain)).astype(np.float32)


def _active_rms(audio: NDArray[np.float32]) -> float:
    """RMS over the tenths of a second that sound."""
    step = SAMPLE_RATE // 10
    frames = audio[: len(audio) // step * step].reshape(-1, step).astype(np.float64)
    power = (frames**2).mean(axis=1)
    active = power[power > power.max() * 1e-4] if power.size else power
    return float(np.sqrt(active.mean())) if active.size else 0.0


def _rms(audio: NDArray[np.float64]) -> float:
    return float(np.sqrt(np.mean(audio**2))) + 1e-9


def _saturate(audio: NDArray[np.float64], drive: float) -> NDArray[np.float64]:
    before = _rms(audio)
    bent = np.tanh(audio / before * drive)
    return bent * (before / _rms(bent))


def _room(rng: np.random.Generator, audio: NDArray[np.float64]) -> NDArray[np.float64]:
    """Add a decaying noise tail, 0.15 to 0.7 s long, 8 to 26 dB below the direct sound."""
    samples = int(rng.uniform(0.15, 0.7) * SAMPLE_RATE)
    tail = rng.standard_normal(samples) * np.exp(-6.9 * np.arange(samples) / samples)
    tail = lfilter([0.4], [1.0, -0.6], tail)
    reflected = fftconvolve(audio, tail)[: len(audio)]
    reflected *= _rms(audio) / _rms(reflected)
    return audio + rng.uniform(0.05, 0.3) * reflected
