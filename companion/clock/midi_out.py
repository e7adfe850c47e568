"""MIDI clock out: ticks, start, stop and song position, at the times they are heard.

There are 24 ticks to a quarter note and four positions, whatever a beat of the transport is.

MIDI has no time stamps on the way out: each message is sent when it is due, by a thread that sleeps
until then.

*Threading*: `MidiClockOut` owns a daemon thread, `midi-clock-out`, which reads the transport and
the host time and sends. `close` may be called from any thread. `ClockTicks` belongs to one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from fractions import Fraction
from math import ceil
from typing import Protocol

from companion.clock.host_time import HostTime
from companion.clock.midi_clock import (
    CONTINUE,
    SONG_POSITION,
    START,
    STOP,
    TICK,
    TICKS_A_POSITION,
    TICKS_A_QUARTER,
)
from companion.clock.transport import Transport

LONGEST_SLEEP_S = 0.005
"""The transport may be steered meanwhile."""
LOOK_S = 0.5
"""Between two looks for the port, right after a tick."""
LATE_S = 0.1
"""Ticks that are later than this are left out: the stream has moved on."""
MOST_POSITION = 2**14 - 1


class MidiSender(Protocol):
    """Where messages go."""

    @property
    def connected(self) -> bool:
        """Whether its port is there."""
        ...

    def send(self, message: Sequence[int]) -> None:
        """Send it now."""
        ...

    def look(self) -> bool:
        """Look for a port that may have gone; True if it has just come back."""
        ...

    def close(self) -> None:
        """Let go of the port; again does nothing."""
        ...


class ClockTicks:
    """What is to be sent next, and when.

    Ticks go out from the first one on that has not passed, in the count-in as well; the start is
    sent with bar 0, or, where that has passed, a song position and a continue with the next
    sixteenth.

    Attributes:
        started: whether a stop is owed.
    """

    def __init__(self, transport: Transport, host_time: HostTime) -> None:
        """Nothing sent yet."""
        self._transport, self._host_time = transport, host_time
        self._next: int | None = None  # tick, counted from bar 0
        self.started = False

    def due_s(self, now_s: float) -> float:
        """The monotonic time of the next tick."""
        if self._next is None:
            self._next = self._first_after(now_s)
        while (due_s := self._time_s(self._next)) < now_s - LATE_S:
            self._next = self._first_after(now_s)
        return due_s

    def messages(self, running: bool) -> list[tuple[int, ...]]:
        """What to send at that time; the tick after it is the next."""
        assert self._next is not None, "due_s comes first"
        tick = self._next
        messages: list[tuple[int, ...]] = []
        if self.started and not running:
            self.started = False
            messages.append((STOP,))
        elif not self.started and running and tick >= 0 and tick % TICKS_A_POSITION == 0:
            self.started = True
            position = tick // TICKS_A_POSITION
            if position == 0:
                messages.append((START,))
            elif position <= MOST_POSITION:
                messages += [(SONG_POSITION, position & 0x7F, position >> 7), (CONTINUE,)]
            else:
                self.started = False  # an hour and more: what cannot be said is not
        self._next += 1
        return [*messages, (TICK,)]

    def introduce(self) -> None:
        """Whoever listens has heard nothing so far: tell it where we are."""
        self.started = False

    def _time_s(self, tick: int) -> float:
        beat = self._transport.meter.beats(Fraction(tick, TICKS_A_QUARTER))
        return self._host_time.time_at(self._transport.beat_start_samples(beat))

    def _first_after(self, now_s: float) -> int:
        beat = self._transport.beat_at(round(self._host_time.sample_at(now_s)))
        return ceil(self._transport.meter.quarters(beat) * TICKS_A_QUARTER)


class MidiClockOut:
    """Sends the clock until it is closed.

    Args:
        sender: where to; closed with this.
        transport: whose beats.
        host_time: where they lie in monotonic time.
        running: whether the music runs, or its master has stopped it.
        clock: monotonic seconds.
    """

    def __init__(
        self,
        sender: MidiSender,
        transport: Transport,
        host_time: HostTime,
        running: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sender, self._host_time = sender, host_time
        self._ticks = ClockTicks(transport, host_time)
        self._running, self._clock = running, clock
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi-clock-out", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Send a stop and let go of the port; again does nothing."""
        self._closed.set()
        self._thread.join()
        self._sender.close()

    def _run(self) -> None:
        while not self._host_time.known:
            if self._closed.wait(LONGEST_SLEEP_S):
                return
        looked_s = self._clock()
        while not self._closed.is_set():
            wait_s = self._ticks.due_s(self._clock()) - self._clock()
            if wait_s > 0:
                self._closed.wait(min(wait_s, LONGEST_SLEEP_S))
                continue
            for message in self._ticks.messages(self._running()):
                self._sender.send(message)
            if self._clock() > looked_s + LOOK_S:
                looked_s = self._clock()
                if self._sender.look():
                    self._ticks.introduce()
        if self._ticks.started:
            self._sender.send((STOP,))
