"""Does the music still follow its cycle? What is heard of a bar against the bar that stands in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from companion.listen.finder import Bar, cosine
from companion.listen.fingerprint import BeatPrint

CONTRADICTS = {2: 0.51, 3: 0.56}
"""Likeness of the chords below which they contradict, by beats heard so far."""
CONTRADICTS_LATER = 0.61
"""The same from the fourth beat on: each of them lets one repeated bar in twenty be mistaken."""
CLEAR = 1.5
"""Length of a vector of chords below which there is no harmony to judge, as with drums alone."""


class CycleCheck:
    """Whether the cycle holds.

    Attributes:
        holds: False from the beat that contradicts it until a whole bar fits again.
    """

    def __init__(self) -> None:
        """It holds until something else is heard."""
        self.holds = True

    def hear(self, so_far: Sequence[BeatPrint], stand_in: Bar) -> None:
        """The beats of a bar that are over, two or more, beside the whole bar that stood in."""
        beats = len(so_far)
        chords = [_chords(so_far), _chords(stand_in[:beats])]
        if beats < min(CONTRADICTS) or min(np.linalg.norm(c) for c in chords) < CLEAR:
            return
        contradicts = cosine(*chords) < CONTRADICTS.get(beats, CONTRADICTS_LATER)
        if contradicts:
            self.holds = False
        elif beats == len(stand_in):
            self.holds = True


def _chords(beats: Sequence[BeatPrint]) -> np.ndarray:
    """Mean of what is heard of them; nothing of a silent beat."""
    return np.mean([beat.chords * beat.sounds for beat in beats], axis=0)
