"""A context as a room, a microphone and a desk colour it.

On stage the rig hears a room along with the band, through microphones, preamplifiers and somebody's
equaliser. What was rendered dry and loud is none of that.
"""

from __future__ import annotations

import random

import numpy as np
from scipy.fft import irfft, next_fast_len, rfft, rfftfreq
from scipy.signal import lfilter, oaconvolve

from model.grid import SAMPLE_RATE

ROOM_SHARE, SATURATED_SHARE, NOISE_SHARE = 0.5, 0.25, 0.4
"""Shares of the contexts that have a room, that are saturated, and that have a floor of noise."""
WET_DB = (-22.0, -7.0)
"""What a room adds, in RMS against the direct sound: from a close microphone to one further off."""
REFLECTIONS = (4, 9)
REFLECTED_S = (0.003, 0.045)
"""How many early reflections there are, and when: paths 1 to 15 m longer than the direct one."""
TAIL_S = (0.2, 1.0)
"""Time in which the tail falls by 60 dB: from a rehearsal room to a small hall."""
DRIVE = (0.3, 1.0)
"""The peak before it is bent by a hyperbolic tangent: it loses 0.3 to 2.4 dB."""
NOISE_DB = (-70.0, -50.0)
"""RMS of the noise against the mix's peak."""
EQUALISER_DB = 6.0
"""How much louder or softer a context is at most at some frequency."""
EQUALISER_HZ = (100.0, 400.0, 1_600.0, 6_400.0)
"""Where its gain is drawn; between them it is interpolated over log-frequency."""


def coloured(audio: np.ndarray, rng: random.Random) -> np.ndarray:
    """Audio [samples] as it may be heard on some stage: float32 [samples].

    A room, slight saturation and a floor of noise with a certain probability each, an equaliser
    always. Silence stays silence.
    """
    heard = audio
    if rng.random() < ROOM_SHARE:
        heard = in_a_room(heard, rng)
    if rng.random() < SATURATED_SHARE:
        heard = saturated(heard, rng)
    heard = equalised(heard, rng)
    if rng.random() < NOISE_SHARE:
        heard = noisy(heard, rng)
    return heard


def in_a_room(audio: np.ndarray, rng: random.Random) -> np.ndarray:
    """Audio [samples] with early reflections and a decaying tail: float32 [samples]."""
    noise = np.random.default_rng(rng.getrandbits(64))
    tail_s = rng.uniform(*TAIL_S)
    response = noise.standard_normal(int(tail_s * SAMPLE_RATE)).astype(np.float32)
    response *= np.exp(-6.9 * np.arange(len(response)) / len(response)).astype(np.float32)
    response[: int(REFLECTED_S[1] * SAMPLE_RATE)] = 0.0
    early = np.zeros_like(response)
    for _ in range(rng.randint(*REFLECTIONS)):
        delay_s = rng.uniform(*REFLECTED_S)
        # Longer paths come back weaker; walls turn the phase or not.
        gain = rng.choice((-1, 1)) * REFLECTED_S[0] / (REFLECTED_S[0] + delay_s)
        early[int(delay_s * SAMPLE_RATE)] += gain
    for part in (early, response):
        part /= np.sqrt(np.square(part).sum()) + 1e-12
    # Walls and air take the treble first.
    damping = rng.uniform(0.3, 0.8)
    response = lfilter([1 - damping], [1.0, -damping], early + response).astype(np.float32)
    reflected = oaconvolve(audio, response)[: len(audio)]
    level = 10 ** (rng.uniform(*WET_DB) / 20) * _rms(audio) / max(_rms(reflected), 1e-12)
    return (audio + level * reflected).astype(np.float32)


def saturated(audio: np.ndarray, rng: random.Random) -> np.ndarray:
    """Audio [samples] whose peaks are bent a little: float32 [samples]."""
    peak = float(np.abs(audio).max(initial=0.0))
    if peak == 0.0:
        return audio
    drive = rng.uniform(*DRIVE) / peak
    return (np.tanh(audio * np.float32(drive)) / np.float32(drive)).astype(np.float32)


def equalised(audio: np.ndarray, rng: random.Random) -> np.ndarray:
    """Audio [samples] with other tone controls: float32 [samples]."""
    # A length that divides well: some songs have one that is nearly prime.
    length = next_fast_len(len(audio), real=True)
    spectrum = rfft(audio, length)
    hertz = rfftfreq(length, 1 / SAMPLE_RATE)
    gains_db = [rng.uniform(-EQUALISER_DB, EQUALISER_DB) for _ in EQUALISER_HZ]
    curve_db = np.interp(np.log(np.maximum(hertz, 1.0)), np.log(EQUALISER_HZ), gains_db)
    gains = (10 ** (curve_db / 20)).astype(np.float32)
    return irfft(spectrum * gains, length)[: len(audio)].astype(np.float32)


def noisy(audio: np.ndarray, rng: random.Random) -> np.ndarray:
    """Audio [samples] with a floor of noise, from white to dark: float32 [samples]."""
    noise = np.random.default_rng(rng.getrandbits(64))
    floor = noise.standard_normal(len(audio)).astype(np.float32)
    pole = rng.uniform(0.0, 0.9)
    floor = lfilter([1 - pole], [1.0, -pole], floor)
    peak = float(np.abs(audio).max(initial=0.0))
    level = 10 ** (rng.uniform(*NOISE_DB) / 20) * peak / max(_rms(floor), 1e-12)
    return (audio + level * floor).astype(np.float32)


def _rms(audio: np.ndarray) -> float:
    return float(np.sqrt(np.square(audio, dtype=np.float64).mean()))
