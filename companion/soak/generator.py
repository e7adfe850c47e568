"""A generator in trouble, on the offline clock: plans take stream time, fail, hang or go wrong.

*Threading*: belongs to the session's thread, as does the worker without a thread that it serves.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from companion.generate.inline import InlineWorker
from companion.generate.protocol import (
    CANCELLED,
    Cancel,
    Failed,
    Finish,
    Message,
    Plan,
    Progress,
    Result,
)
from companion.generate.stem_worker import Finished
from companion.generate.wire import GRACE_S, Lost, Receive

RESTART_S = 4.0
"""A generator that was lost is ready again after so long."""
FINISH_S = 0.1
"""A plan that is told to finish is there within."""


@dataclass(slots=True)
class _Job:
    number: int
    finished: Finished
    started: int
    takes_s: float


class TroubledGenerator:
    """A `Link` to a generator, and the generator: ready when it is opened, later when again."""

    def __init__(
        self,
        inner: InlineWorker,
        rate: int,
        now: Callable[[], int],
        plan_s: Callable[[Finished], float],
    ) -> None:
        """In good health.

        Args:
            inner: makes the plans.
            rate: stream samples a second.
            now: the stream's position.
            plan_s: how long a plan that was made takes.
        """
        self._inner, self._rate, self._now, self._plan_s = inner, rate, now, plan_s
        self._receive: Receive = lambda _: None
        self._restart_s = 0.0
        self._ready_at: int | None = None  # None once it has said so
        self._job: _Job | None = None
        self._slow_until, self._slowness = 0, 1.0
        self._spoilt = 0
        self._stuck = False

    # --- trouble -------------------------------------------------------------------------------

    def die(self) -> None:
        """The process is killed: the plan it makes is lost."""
        self._receive(Lost("the generator ended (killed)"))

    def hang(self) -> None:
        """The plan that is made, or the next one, never comes."""
        self._stuck = True

    def spoil(self, plans: int) -> None:
        """The next plans are not finite: the generator refuses them."""
        self._spoilt += plans

    def slow(self, factor: float, until: int) -> None:
        """Plans that begin before a stream sample take so many times as long."""
        self._slowness, self._slow_until = factor, until

    # --- as every generator --------------------------------------------------------------------

    def open(self, receive: Receive, threads: int = 0) -> TroubledGenerator:
        """See `OpenLink`."""
        self._receive = receive
        self._ready_at = self._now() + round(self._restart_s * self._rate)
        self._restart_s = RESTART_S
        self.tick()
        return self

    def tick(self) -> None:
        """Say what is due."""
        now, job = self._now(), self._job
        if self._ready_at is not None and now >= self._ready_at:
            self._ready_at = None
            # Not 0 seconds a plan: then the session would not count time at all.
            self._receive(replace(self._inner.wait_ready(), plan_s=0.2))
        if job is None or self._stuck:
            return
        elapsed_s = (now - job.started) / self._rate
        if elapsed_s < job.takes_s:
            self._receive(Progress(job.number, elapsed_s / job.takes_s))
            return
        self._job = None
        if self._spoilt:
            self._spoilt -= 1
            self._receive(Failed(job.number, "audio holds NaN or infinity"))
        elif job.finished.outcome == "done":
            self._receive(Result(job.number, job.finished.stems, job.takes_s))
        else:
            self._receive(Failed(job.number, job.finished.reason))

    def send(self, message: Message) -> None:
        """See `Link`."""
        job, now = self._job, self._now()
        match message:
            case Plan(number=number, requests=requests):
                self._inner.submit(number, requests)
                (finished,) = self._inner.poll()
                slowness = self._slowness if now < self._slow_until else 1.0
                self._job = _Job(number, finished, now, self._plan_s(finished) * slowness)
            case Finish() if job is not None:
                job.takes_s = min(job.takes_s, (now - job.started) / self._rate + FINISH_S)
            case Cancel(number=number) if not self._stuck:
                self._job = None
                self._receive(Failed(number, CANCELLED))

    def close(self, grace_s: float = GRACE_S) -> None:
        """See `Link`."""
        self._job, self._stuck = None, False
