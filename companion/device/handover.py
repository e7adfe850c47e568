"""From the stand-in to a device that runs: on the line, to a fraction of a millisecond.

The device's calls come in their own rhythm, one or several at once, a period apart. Right after
calls that were punctual the stand-in is advanced to where the line is at that moment, and the lease
opened; so the next calls, a period later, carry the line on.

*Threading*: in the thread that owns the stand-in, which must stand still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from companion.audio.lease import LeaseView
from companion.audio.offline import OfflineStream
from companion.audio.stream_line import StreamLine

LEARN_S = 0.3  # how long the rhythm is listened to
RECENT_S = 0.5  # who loses a period now and then has a rhythm only for a while
PATIENCE_S = 1.0  # so long punctual calls are waited for, then any will do
LIMIT_S = 3.0
POLL_S = 0.0005
BURST_S = 0.005  # calls at once are over by then
LATE_SHARE = 0.4  # of a period: so soon after its calls the lease must be open
Clock = Callable[[], float]


class Rhythm:
    """When a device calls, and how often at once.

    Args:
        lease: the device's, which calls all the time; closed, if it is to take over.
        block: frames of the memory that each call stands for.
        rate: of the memory, Hz.
        clock: monotonic seconds.
        sleep: sleeps that many seconds.
    """

    def __init__(
        self,
        lease: LeaseView,
        block: float,
        rate: int,
        clock: Clock = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._lease, self._block, self._rate = lease, block, rate
        self._clock, self._sleep = clock, sleep
        self._line = StreamLine(rate, RECENT_S)
        self._bursts: list[int] = []  # a look that came late saw more
        self._calls = lease.calls

    @property
    def period_samples(self) -> float:
        """Frames of the memory that its calls at once stand for."""
        bursts = sorted(self._bursts) or [1]
        return self._block * bursts[len(bursts) // 4]  # on a busy machine most looks come late

    @property
    def called_s(self) -> float:
        """When the last calls ought to have ended, by the most punctual ones."""
        return (self._calls * self._block - self._line.ahead_samples) / self._rate

    def wait(self, until_s: float) -> bool:
        """Return right after the next calls; False if none come until then."""
        while (now := self._lease.calls) == self._calls:
            if self._clock() >= until_s:
                return False
            self._sleep(POLL_S)
        burst_s = self._clock() + BURST_S
        self._sleep(POLL_S)
        # A big period comes as several calls; a tiny one has come again by every look.
        while (again := self._lease.calls) != now and self._clock() < burst_s:
            now = again
            self._sleep(POLL_S)
        self._bursts.append(now - self._calls)
        self._calls = now
        self._line.observe(self._clock(), round(now * self._block))
        return True

    def learn(self) -> None:
        """Listen for 0.3 s."""
        until_s = self._clock() + LEARN_S
        while self._clock() < until_s and self.wait(until_s):
            pass

    def hand_over(
        self, standin: OfflineStream, line: float, before: Callable[[], None] = lambda: None
    ) -> bool:
        """Let the device take over; False if it does not call within 3 s.

        Args:
            standin: what moves the memory; it is closed when the device takes over.
            line: where the stream must be when a period begins, as ``StreamLine.ahead_samples``.
            before: done when nothing moves the memory.
        """
        rate, clock = self._rate, self._clock
        started_s = clock()
        while self.wait(started_s + LIMIT_S):
            period = self.period_samples
            due = int(line + clock() * rate) - round(4 * period)
            if due > standin.memory.position:  # it follows at a distance: there is no way back
                standin.advance(due)
            called_s, now_s = self.called_s, clock()
            if now_s > called_s + LATE_SHARE * period / rate:
                if now_s < started_s + PATIENCE_S:
                    continue
                called_s = now_s
            standin.advance(round(line + called_s * rate + period))
            standin.close()
            before()
            self._lease.open()
            return True
        return False
