"""What a bar of a stem plays: its chroma, beat by beat, and which sixteenths are struck."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.grid import SAMPLE_RATE
from training.evaluation.fit import Audio, onset_times
from training.evaluation.harmony import beat_chroma

DIVISIONS = 4
"""Places of a beat at which an onset can be: sixteenths."""

Fingerprints = NDArray[np.float32]


def fingerprint(stem: Audio, bpm: float, beats_per_bar: int = 4) -> Fingerprints:
    """Each whole bar of a stem [samples] that starts on a bar line: [bars, beats_per_bar * 16].

    The first three quarters are the chroma of each beat (C first), less its mean; the rest are
    the sixteenths of the bar, 1 where an onset is nearest. Both parts have a norm of sqrt(1/2),
    so the product of two bars is the mean of a correlation of chroma and a cosine of onsets:
    1 for the same, about 0 for what has nothing in common. A part with nothing in it is all zero.
    """
    beats = beat_chroma(stem, bpm)
    bars = len(beats) // beats_per_bar
    pitch = beats[: bars * beats_per_bar]
    pitch = (pitch - pitch.mean(1, keepdims=True)).reshape(bars, beats_per_bar * 12)
    slots = np.zeros(bars * beats_per_bar * DIVISIONS)
    step_s = 60.0 / bpm / DIVISIONS
    struck = np.round(onset_times(stem[: _samples(bars * beats_per_bar, bpm)]) / step_s).astype(int)
    # What comes just before the end belongs to the bar after it, of which nothing is known.
    slots[struck[struck < len(slots)]] = 1.0
    rhythm = slots.reshape(bars, beats_per_bar * DIVISIONS)
    return np.concatenate([_scaled(pitch), _scaled(rhythm)], axis=1).astype(np.float32)


def transposed(bars: Fingerprints, semitones: int) -> Fingerprints:
    """Fingerprints [bars, beats * 16] as they would be so many semitones higher."""
    beats = bars.shape[1] // (12 + DIVISIONS)
    pitch = bars[:, : beats * 12].reshape(-1, beats, 12)
    moved = np.roll(pitch, semitones, axis=2).reshape(-1, beats * 12)
    return np.concatenate([moved, bars[:, beats * 12 :]], axis=1)


def likeness(one: Fingerprints, other: Fingerprints) -> float:
    """Mean product of the bars that two fingerprints [bars, n] have both: -1..1; NaN if none."""
    bars = min(len(one), len(other))
    if not bars:
        return float("nan")
    return float(np.clip((one[:bars] * other[:bars]).sum(1), -1.0, 1.0).mean())


def _samples(beats: int, bpm: float) -> int:
    return round(beats * 60.0 / bpm * SAMPLE_RATE)


def _scaled(rows: NDArray[np.float64]) -> NDArray[np.float64]:
    norms = np.linalg.norm(rows, axis=1, keepdims=True)
    return np.divide(rows, np.sqrt(2) * norms, out=np.zeros_like(rows), where=norms > 0)
