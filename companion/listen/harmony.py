"""Which chord sounds where, from all that tells it: a keyboard, OSC, a chart.

Who is nearer to the music goes before: notes that are held on a keyboard, then a chord that was
sent, then the chart. Where nobody tells one there is none, and the generator listens alone.

Threading: one thread owns it, the session's; what comes from other threads comes to it by queues.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

from companion.listen.chart import Chart
from companion.listen.chord import Chord, chord_of
from model.request import HARMONY_WIDTH

KEPT_BARS = 64
"""How many bars a chord that was sent is remembered after it: longer than any window."""


class Harmony:
    """The chords of a session's bars, those to come among them."""

    def __init__(self, chart: Chart | None = None) -> None:
        self.chart = chart
        self._held: Chord | None = None
        self._sent: list[tuple[int, Chord | None, bool]] = []
        """(bar, chord, whether it was sent), by bars; where it was not, the chart tells again."""

    def hold(self, notes: Iterable[int]) -> None:
        """MIDI notes that are held on the keyboard now; none of them ends it."""
        self._held = chord_of(notes)

    def send(self, bar: int, chord: Chord | None) -> None:
        """A chord from a bar on, until the next that was sent; None for "no chord"."""
        self._put(bar, chord, True)

    def release(self, bar: int) -> None:
        """From a bar on the chart tells again."""
        self._put(bar, None, False)

    def _put(self, bar: int, chord: Chord | None, sent: bool) -> None:
        self._sent = [one for one in self._sent if bar - KEPT_BARS < one[0] and one[0] != bar]
        self._sent.append((bar, chord, sent))
        self._sent.sort(key=lambda one: one[0])

    def at(self, bar: int, place: Fraction) -> Chord | None:
        """The chord at a place (0 to less than 1) in a bar; None where none is told."""
        if self._held is not None:
            return self._held
        index = bisect_right(self._sent, bar, key=lambda one: one[0]) - 1
        if index >= 0 and self._sent[index][2]:
            return self._sent[index][1]
        return None if self.chart is None else self.chart.at(bar, place).chord

    def told(self, places: Iterable[tuple[int, Fraction]]) -> NDArray[np.float32]:
        """What the generator is told of frames, each by its bar and place in it: float32 [T, 24].

        [0, 24] where no chord is known in any of them.
        """
        chords = [self.at(bar, place) for bar, place in places]
        told = np.zeros((len(chords), HARMONY_WIDTH), np.float32)
        for row, chord in zip(told, chords, strict=True):
            if chord is not None:
                row[:] = chord.told()
        return told if told.any() else told[:0]
