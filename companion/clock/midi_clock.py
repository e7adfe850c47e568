"""MIDI clock in: ticks, start, stop, continue and song position, as a clock source.

There are 24 ticks to a quarter note and four positions, so that is what it counts in every meter.

*Threading*: `Arrivals` and `receive` belong to the thread that brings the messages, `read` to the
session's. One immutable value is handed over by assigning it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from companion.audio.stream_line import StreamLine
from companion.clock.host_time import HostTime
from companion.clock.reading import Line, Reading
from companion.clock.tick_line import TickFit, TickLine

SONG_POSITION, TICK, START, CONTINUE, STOP = 0xF2, 0xF8, 0xFA, 0xFB, 0xFC
CLOCK_MESSAGES = frozenset((SONG_POSITION, TICK, START, CONTINUE, STOP))
TICKS_A_QUARTER = 24
TICKS_A_POSITION = 6
"""A song position counts sixteenths."""
STALL_S = 0.5
"""Without a tick for so long the master has stalled."""
GONE_S = 1.0
"""Without a tick for so long, though it has not stopped, it is gone: a cable was pulled."""
FORGET_S = 4.0
"""After so long nothing it said is trusted any more; before, ever less."""
SURE_TICKS = 24
LOST_INTERVAL, DOUBLE_INTERVAL = 1.6, 0.4
"""Ticks further apart or closer than this part of the expected may be lost or doubled ones."""
SLIPPED = 0.6
"""They are if the next ones are off the line by this part of a tick too, and all alike."""
ALIKE = 0.5
ALIKE_SIGMAS = 4.5
SLIP_TICKS, DOUBT_TICKS = 4, 12
QUICKEST_S = 10.0
"""The quickest look of so long tells when messages arrived."""


class Arrivals:
    """When messages arrived, from the time between them that the system measures.

    A program looks at its queue now and then; the queue says how long after the one before each
    message came. Added up, that is exact but for where it began, and the quickest look of late
    tells that.
    """

    def __init__(self) -> None:
        """Nothing has arrived."""
        self._added_s = 0.0
        self._line = StreamLine(1, QUICKEST_S)  # of seconds added up over seconds

    def at(self, since_last_s: float, now_s: float) -> float:
        """When the next message arrived.

        Args:
            since_last_s: after the one before it, as the queue says.
            now_s: monotonic time at which it was taken from the queue.
        """
        self._added_s += since_last_s
        self._line.observe(now_s, self._added_s)
        return self._added_s - self._line.ahead_samples


@dataclass(slots=True)
class _Doubt:
    """A tick may have been lost or doubled: how late it and those after it are, in ticks."""

    before: TickFit
    late: list[float]


class MidiClock:
    """Follows a master's ticks.

    Before a start, a continue or a song position has been heard only the tempo counts: where the
    master's bars lie is not known.

    Args:
        clock: monotonic seconds, the time that `receive` is given.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._heard: tuple[Line, float] | None = None  # and when the last tick came
        # All below belongs to the thread of `receive`.
        self._ticks = TickLine()
        self._tick = -1  # number of the last tick; lost ones are counted
        self._last_s: float | None = None
        self._doubt: _Doubt | None = None
        self._running = True
        self._zero: int | None = None  # tick with which the song begins
        self._next_song_tick: int | None = None  # what the next tick is, if a message said so

    def receive(self, message: Sequence[int], time_s: float) -> None:
        """A MIDI message came at a monotonic time; what is not of the clock is left alone."""
        kind = message[0] if message else 0
        if kind == TICK:
            self._count(time_s)
        elif kind == START:
            self._next_song_tick, self._running = 0, True
        elif kind == CONTINUE:
            self._running = True
        elif kind == STOP:
            if self._running and self._zero is not None and self._next_song_tick is None:
                self._next_song_tick = self._tick + 1 - self._zero  # where a continue goes on
            self._running = False
            self._hand_over()
        elif kind == SONG_POSITION and len(message) == 3:
            low, high = message[1] & 0x7F, message[2] & 0x7F
            self._next_song_tick = (low | high << 7) * TICKS_A_POSITION

    def read(self, now: int, host_time: HostTime) -> Reading | None:
        """See `ClockSource`: None before the second tick, and 4 s after the last."""
        heard = self._heard
        if heard is None:
            return None
        line, last_s = heard
        silent_s = self._clock() - last_s
        if silent_s > FORGET_S:
            return None
        trust = 1 - max(0.0, silent_s - STALL_S) / (FORGET_S - STALL_S)
        gone = line.running and silent_s > GONE_S
        line = replace(line, confidence=line.confidence * trust, gone=gone)
        return host_time.reading(line, now)

    def close(self) -> None:
        """Nothing to let go of: the MIDI input belongs to whoever opened it."""

    def _count(self, time_s: float) -> None:
        fit, since_s = self._ticks.fit, time_s - (self._last_s or time_s)
        self._last_s = time_s
        self._tick += 1
        if fit is not None and since_s > STALL_S:
            self._tick += max(0, round(since_s / fit.tick_s) - 1)
            self._ticks.clear()
            self._doubt = None
        elif (
            fit is not None
            and self._doubt is None
            and len(self._ticks) >= SURE_TICKS
            and not DOUBLE_INTERVAL < since_s / fit.tick_s < LOST_INTERVAL
        ):
            self._doubt = _Doubt(fit, [])
        if self._running and self._next_song_tick is not None:
            self._zero = self._tick - self._next_song_tick
            self._next_song_tick = None
        self._ticks.add(self._tick, time_s)
        if self._doubt is not None:
            self._find_slip(self._doubt, time_s)
        self._hand_over()

    def _find_slip(self, doubt: _Doubt, time_s: float) -> None:
        """Count on or back if ticks have come by whole ticks too late or too early.

        One that is odd alone is jitter; where each is later than the one before, the tempo is
        another, and the song goes on by what was sent.
        """
        fit, late = doubt.before, doubt.late
        late.append((time_s - fit.time_s) / fit.tick_s - (self._tick - fit.tick))
        last = late[-SLIP_TICKS:]
        alike = max(ALIKE, ALIKE_SIGMAS * fit.jitter_s / fit.tick_s)
        if len(last) == SLIP_TICKS and max(last) - min(last) < alike:
            mean = sum(last) / SLIP_TICKS
            if abs(mean) > SLIPPED:
                slip = round(mean)
                self._tick += slip
                self._ticks.renumber(SLIP_TICKS, slip)
            self._doubt = None
        elif len(late) == DOUBT_TICKS:
            self._doubt = None

    def _hand_over(self) -> None:
        fit = self._ticks.fit
        if fit is None or self._last_s is None:
            return
        line = Line(
            time_s=fit.time_s,
            beat=(fit.tick - (self._zero or 0)) / TICKS_A_QUARTER,
            bpm=60 / (TICKS_A_QUARTER * fit.tick_s),
            unit="quarter",
            confidence=min(1.0, fit.ticks / SURE_TICKS),
            running=self._running,
            lock="tempo" if self._zero is None or not self._running else "bar",
        )
        self._heard = line, self._last_s
