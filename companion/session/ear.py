"""Listens along with the bars: finds the cycle's length, and notices when the music leaves it.

*Threading*: belongs to the session's thread, but for its properties, which any may read.
Each beat costs it one or two milliseconds, at the beat's end.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

import numpy as np

from companion.audio.aligned_input import Look
from companion.clock.transport import Transport
from companion.control.parameters import BROKEN_CYCLE
from companion.control.store import Change, ParameterStore
from companion.listen.cycle import MAX_CYCLE
from companion.listen.cycle_check import CycleCheck
from companion.listen.cycle_finder import Bar, CycleFinder
from companion.listen.fingerprint import BeatPrint, beat_print
from companion.system.errors import CompanionError

SOURCE = "found"
"""Who moved the knob, where it was the music."""
PRESET = "preset"
"""Who moved it, where another preset of the set began."""
BY_KEY, _, FORGET = BROKEN_CYCLE
MOST_BEATS = 8
"""Beats that are caught up with in one tick."""


class Ear:
    """Hears every beat once, when it is over."""

    def __init__(
        self, look: Callable[[], Look], transport: Transport, store: ParameterStore
    ) -> None:
        """Nothing heard yet; the knobs `cycle` and `find_cycle` are the store's."""
        self._look, self._transport, self._store = look, transport, store
        self._finder = CycleFinder(int(store.snapshot()["cycle"]))
        self._check = CycleCheck()
        self._bars: deque[Bar] = deque(maxlen=MAX_CYCLE)
        self._beats: list[BeatPrint] = []  # of the bar that plays
        self._next_beat = 0
        self._broken_since = 0

    @property
    def holds(self) -> bool:
        """False while what is heard contradicts the bar that stands in for it."""
        return self._check.holds

    @property
    def stand_in_from(self) -> int:
        """The first bar that may stand in for one to come.

        While the cycle is broken, and if `broken_cycle` says so, that of the break.
        """
        wanted = self._store.snapshot()["broken_cycle"]
        forget = wanted == FORGET or (wanted == BY_KEY and self._check.left_key)
        return self._broken_since if forget and not self.holds else 0

    @property
    def confidence(self) -> float | None:
        """How like the bars are to those a cycle before, 0..1; None before there are any."""
        return self._finder.confidence

    def turned(self, change: Change) -> None:
        """A knob was moved: a cycle set by hand is kept, so `find_cycle` goes off with it."""
        if change.source == SOURCE or change.player is not None:
            return
        if change.name == "cycle":
            self._finder.start_from(int(change.new))
            if change.source != PRESET:  # which says itself whether one is looked for
                self._store.set("find_cycle", False, None, SOURCE)
        elif change.name == "find_cycle":
            self._store.set("find_cycle", change.new, None, SOURCE)

    def tick(self, now_samples: int) -> None:
        """Hear the beats that are over."""
        look = self._look()
        heard = min(now_samples, look.position)
        for _ in range(MOST_BEATS):
            start = self._transport.beat_start_samples(self._next_beat)
            end = self._transport.beat_start_samples(self._next_beat + 1)
            if end > heard:
                return
            self._beats.append(self._hear(look, start, end))
            self._next_beat += 1
            self._beat_over()

    def _hear(self, look: Look, start: int, end: int) -> BeatPrint:
        """A beat; what the ring has forgotten is silence."""
        try:
            audio = look.capture(start, end - start)
        except CompanionError:
            audio = np.zeros(end - start, np.float32)
        return beat_print(audio, self._transport.rate)

    def _beat_over(self) -> None:
        knobs = self._store.snapshot()
        cycle = int(knobs["cycle"])
        if cycle <= len(self._bars):
            held = self.holds
            self._check.hear(self._beats, self._bars[-cycle], tuple(self._bars)[-cycle:])
            if held and not self.holds:
                self._broken_since = (self._next_beat - 1) // self._transport.beats_per_bar
        if len(self._beats) < self._transport.beats_per_bar:
            return
        bar, self._beats = tuple(self._beats), []
        self._bars.append(bar)
        self._finder.add(bar)
        if knobs["find_cycle"]:
            self._store.set("cycle", self._finder.cycle, None, SOURCE)
        else:
            self._finder.start_from(cycle)
