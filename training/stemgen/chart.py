"""A song's chart as the network is told it: the chord of each frame."""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from model.grid import FRAME_RATE
from model.request import HARMONY_WIDTH
from training.band.harmony import Chord
from training.songs import Chart


def told_chord(root: int, quality: str) -> np.ndarray:
    """A chord in root position: bool [24], its pitch classes, then its bass."""
    told = np.zeros(HARMONY_WIDTH, np.bool_)
    told[list(Chord(root, quality).pitch_classes)] = True
    told[12 + root] = True
    return told


def told_chart(
    chart: Chart, tempo: float, beats_per_bar: int, first: float, frames: int
) -> tuple[np.ndarray, np.ndarray]:
    """The chords of so many frames of a song from `first` on, which need not be whole.

    Returns:
        bool [frames, 24], and bool [frames], False before the first chord.
    """
    starts = [bar * beats_per_bar + beat for bar, beat, _, _ in chart]
    chords = np.stack([told_chord(root, quality) for _, _, root, quality in chart])
    # Half a frame later, as a frame's middle decides which chord it belongs to.
    beats = (first + np.arange(frames) + 0.5) / FRAME_RATE * tempo / 60
    index = np.array([bisect_right(starts, beat) - 1 for beat in beats])
    return chords[index.clip(min=0)] & (index >= 0)[:, None], index >= 0
