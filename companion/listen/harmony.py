"""Which chord sounds where, from all that tells it: a keyboard, OSC, a chart.

Who is nearer to the music goes before: notes that are held on a keyboard, then a chord that was
sent, then the chart. Where nobody tells one there is none, and the generator listens alone.

Threading: `send`, `release` and `hold` are called from any thread, and count from the next
`catch_up` on; all else belongs to the session's thread.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from queue import Empty, SimpleQueue

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.listen.chart import Chart
from companion.listen.chord import Chord, chord_of
from model.request import HARMONY_WIDTH

KEPT_BARS = 64
"""How many bars a chord that was sent is remembered after it: longer than any window."""

ChordChange = tuple[int, tuple[int, ...], int]
"""A frame of a window from which on a chord sounds, its pitch classes in order and its bass; no
pitch classes (and bass 0) where none is told."""


@dataclass(frozen=True, slots=True)
class _Told:
    chord: Chord | None
    given_up: bool = False  # whoever comes after tells again


class _Layer:
    """What one of them told, each from a bar on until the next."""

    def __init__(self) -> None:
        self._bars: list[int] = []
        self._told: list[_Told] = []

    def __len__(self) -> int:
        return len(self._bars)

    def put(self, bar: int, told: _Told) -> None:
        kept = [
            (at, what)
            for at, what in zip(self._bars, self._told, strict=True)
            if bar - KEPT_BARS < at and at != bar
        ]
        kept.append((bar, told))
        kept.sort(key=lambda one: one[0])
        self._bars, self._told = [at for at, _ in kept], [what for _, what in kept]

    def at(self, bar: int) -> _Told:
        index = bisect_right(self._bars, bar) - 1
        return self._told[index] if index >= 0 else _Told(None, given_up=True)


class Harmony:
    """The chords of a session's bars, those to come among them."""

    def __init__(self, chart: Chart | None = None) -> None:
        self._charts: list[tuple[int, Chart | None]] = [(0, chart)]  # each from a bar on
        self._inbox: SimpleQueue[tuple[_Layer, int | None, _Told]] = SimpleQueue()
        self._keyboard, self._sent = _Layer(), _Layer()

    # --- from any thread -----------------------------------------------------------------------

    def send(self, chord: Chord | None, bar: int | None = None) -> None:
        """A chord (None: no chord) from a bar on; without one from the next plan's on."""
        self._inbox.put((self._sent, bar, _Told(chord)))

    def release(self, bar: int | None = None) -> None:
        """From a bar on, or from the next plan's, the chart tells again."""
        self._inbox.put((self._sent, bar, _Told(None, given_up=True)))

    def hold(self, notes: Iterable[int]) -> None:
        """The MIDI notes that are held on the keyboard now; none of them lets the others tell."""
        chord = chord_of(notes)
        self._inbox.put((self._keyboard, None, _Told(chord, given_up=chord is None)))

    # --- the session's thread ------------------------------------------------------------------

    @property
    def told(self) -> bool:
        """Whether anybody has told a chord so far."""
        layers = len(self._keyboard) + len(self._sent)
        return any(chart for _, chart in self._charts) or not self._inbox.empty() or layers > 0

    def catch_up(self, bar: int) -> None:
        """Take in what was told; what was told for now counts from this bar on."""
        with suppress(Empty):
            while True:
                layer, at, told = self._inbox.get_nowait()
                layer.put(bar if at is None else at, told)

    def follow(self, chart: Chart | None, bar: int) -> None:
        """From a bar on this chart, from its own first bar; None for none."""
        before = [each for each in self._charts if bar - KEPT_BARS < each[0] < bar]
        # The one that holds where the others begin is kept, however old it is.
        older = [each for each in self._charts if each[0] <= bar - KEPT_BARS]
        self._charts = [*older[-1:], *before, (bar, chart)]

    def at(self, bar: int, place: Fraction) -> Chord | None:
        """The chord at a place (0 to less than 1) in a bar; None where none is told."""
        for layer in (self._keyboard, self._sent):
            if not (told := layer.at(bar)).given_up:
                return told.chord
        first, chart = self.chart_at(bar)
        return None if chart is None else chart.at(bar - first, place).chord

    def chart_at(self, bar: int) -> tuple[int, Chart | None]:
        """The chart of a bar, and the bar in which it begins."""
        told = (each for each in reversed(self._charts) if each[0] <= bar)
        return next(told, (0, None))

    def changes(self, grid: Grid, first_frame: int, frames: int) -> tuple[ChordChange, ...]:
        """The chords of global frames [first_frame, first_frame + frames), frames from 0.

        A frame has the chord that sounds in its middle. Empty where none is told anywhere.
        """
        first = (first_frame + Fraction(1, 2)) / grid.bar_frames
        last = (first_frame + frames - Fraction(1, 2)) / grid.bar_frames
        found: list[ChordChange] = []
        for bar in range(int(first // 1), int(last // 1) + 1):
            for place in self._places(bar):
                start = grid.bar_start_frames(bar) + place * grid.bar_frames
                frame = max(0, ceil(start - Fraction(1, 2)) - first_frame)
                chord = self.at(bar, place)
                told = (
                    ((), 0) if chord is None else (tuple(sorted(chord.pitch_classes)), chord.bass)
                )
                if found and found[-1][0] == frame:
                    found.pop()
                if frame < frames and (not found or found[-1][1:] != told):
                    found.append((frame, *told))
        return tuple(found) if any(pitch_classes for _, pitch_classes, _ in found) else ()

    def _places(self, bar: int) -> Sequence[Fraction]:
        first, chart = self.chart_at(bar)
        if chart is None:
            return (Fraction(0),)
        return [change.place for change in chart.bars[(bar - first) % len(chart.bars)]]


def told_frames(changes: Sequence[ChordChange], frames: int) -> NDArray[np.float32]:
    """Chords as the generator is told them: float32 [frames, 24]; [0, 24] where there is none."""
    if not changes:
        return np.zeros((0, HARMONY_WIDTH), np.float32)
    told = np.zeros((frames, HARMONY_WIDTH), np.float32)
    for frame, pitch_classes, bass in changes:
        told[frame:] = 0.0
        if pitch_classes:
            told[frame:] = Chord(frozenset(pitch_classes), bass).told()
    return told
