"""Messages of OSC bundles that are dated ahead, until it is time for them.

A bundle is waited for where its time lies at most `MOST_AHEAD_S` ahead. One that is late counts at
once, and so does one that is further ahead: it was dated by a clock that is not this machine's.

*Threading*: belongs to the thread that receives.
"""

from __future__ import annotations

import heapq
import itertools
import time
from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple

from companion.control.osc_packet import Dated

MOST_AHEAD_S = 5.0
MOST_WAITING = 4096
"""Messages that are kept; any more count at once, so that no last value is lost."""


class Waiting(NamedTuple):
    """A message and whose it is."""

    message: Dated
    sender: Hashable


class Schedule:
    """Holds messages back until their time, in the order of their times."""

    def __init__(
        self,
        clock: Callable[[], float] = time.monotonic,
        calendar: Callable[[], float] = time.time,
    ) -> None:
        """Nothing waits.

        Args:
            clock: monotonic seconds; a message waits by it, whatever the calendar is set to.
            calendar: seconds since 1970, which bundles are dated by.
        """
        self._clock, self._calendar = clock, calendar
        self._queue: list[tuple[float, int, Waiting]] = []
        self._count = itertools.count()

    def put(self, messages: Iterable[Dated], sender: Hashable) -> list[Waiting]:
        """Those of a packet's messages that count at once; the others wait."""
        at_once: list[Waiting] = []
        for message in messages:
            each = Waiting(message, sender)
            ahead_s = 0.0 if message.at_s is None else message.at_s - self._calendar()
            if 0.0 < ahead_s <= MOST_AHEAD_S and len(self._queue) < MOST_WAITING:
                heapq.heappush(self._queue, (self._clock() + ahead_s, next(self._count), each))
            else:
                at_once.append(each)
        return at_once

    def due(self) -> list[Waiting]:
        """What it is time for now."""
        now_s, due = self._clock(), list[Waiting]()
        while self._queue and self._queue[0][0] <= now_s:
            due.append(heapq.heappop(self._queue)[2])
        return due

    def wait_s(self, most_s: float) -> float:
        """How long until the next message is due, at most so many seconds."""
        return min(most_s, max(0.0, self._queue[0][0] - self._clock())) if self._queue else most_s

    def __len__(self) -> int:
        """How many messages wait."""
        return len(self._queue)
