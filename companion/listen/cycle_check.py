"""Does the music still follow its cycle? What is heard of a bar against the bar that stands in."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from companion.listen.cycle_finder import Bar, cosine
from companion.listen.fingerprint import BeatPrint

CONTRADICTS = {2: 0.51, 3: 0.56}
"""Likeness of the chords below which they contradict, by beats heard so far."""
CONTRADICTS_LATER = 0.61
"""The limit from the fourth beat on: each of them lets one repeated bar in twenty be mistaken."""
IN_KEY = 0.0
"""Likeness to all chords of the last cycle below which the music has left its key as well."""
CLEAR = 1.5
"""Length of a vector of chords below which there is no harmony to judge, as with drums alone."""


class CycleCheck:
    """Whether the cycle holds.

    Attributes:
        holds: False from the beat that contradicts it until a whole bar fits again.
        left_key: whether what contradicts it is in another key than the cycle was.
    """

    def __init__(self) -> None:
        """It holds until something else is heard."""
        self.holds, self.left_key = True, False
        self._key = np.zeros(12)

    def hear(
        self, so_far: Sequence[BeatPrint], stand_in: Bar, last_cycle: Sequence[Bar] = ()
    ) -> None:
        """The beats of a bar that are over, beside the whole bar that stood in, and its cycle."""
        beats = len(so_far)
        chords = [_chords(so_far), _chords(stand_in[:beats])]
        if beats < min(CONTRADICTS) or min(np.linalg.norm(c) for c in chords) < CLEAR:
            return
        contradicts = cosine(*chords) < CONTRADICTS.get(beats, CONTRADICTS_LATER)
        if contradicts:
            if self.holds:
                self._key = np.sum([_direction(_chords(bar)) for bar in last_cycle], axis=0)
            self.holds = False
            if np.any(self._key) and cosine(chords[0], self._key) < IN_KEY:
                self.left_key = True
        elif beats == len(stand_in):
            self.holds, self.left_key = True, False


def _chords(beats: Sequence[BeatPrint]) -> np.ndarray:
    """Mean of what is heard of them; nothing of a silent beat."""
    return np.mean([beat.chords * beat.sounds for beat in beats], axis=0)


def _direction(chords: np.ndarray) -> np.ndarray:
    """A print scaled to length 1, so that a loud bar counts no more; a silent one stays zero."""
    return chords / max(1e-6, float(np.linalg.norm(chords)))
