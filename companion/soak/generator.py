"""A generator in trouble, on the offline clock: plans take stream time, fail, hang or go wrong.

*Threading*: belongs to the session's thread, like the worker it stands in for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from companion.generate.inline import InlineWorker
from companion.generate.protocol import Ready
from companion.generate.stem_worker import PATIENCE_S, START_TIMEOUT_S, Finished, Outcome
from model.request import StemRequest

RESTART_S = 4.0
"""A generator that was lost is back after so long."""
FINISH_S = 0.1
"""A plan that is told to finish does so within."""


@dataclass(slots=True)
class _Job:
    finished: Finished
    asked: int
    takes_s: float
    patience_s: float
    started: int | None = None


class TroubledWorker:
    """Makes plans where it is called, one at a time, and hands them out when their time has come.

    Attributes:
        restarts: how often the generator was lost.
    """

    def __init__(
        self,
        inner: InlineWorker,
        rate: int,
        now: Callable[[], int],
        plan_s: Callable[[Finished], float],
    ) -> None:
        """A generator in good health.

        Args:
            inner: makes the plans.
            rate: stream samples a second.
            now: the stream's position.
            plan_s: how long a plan that was made takes.
        """
        self._inner, self._rate, self._now, self._plan_s = inner, rate, now, plan_s
        self._job: _Job | None = None
        self._ended: list[Finished] = []
        self._back = 0  # from which sample on the generator is there
        self._slow_until, self._slowness = 0, 1.0
        self._spoilt = 0
        self._stuck = False
        self.restarts = 0

    # --- trouble -------------------------------------------------------------------------------

    def die(self) -> None:
        """The process is killed: the plan it makes is lost."""
        self._lose("the generator ended (killed)")

    def hang(self) -> None:
        """The plan that is made, or the next one, never comes."""
        self._stuck = True

    def spoil(self, plans: int) -> None:
        """The next plans are not finite: the generator refuses them."""
        self._spoilt += plans

    def slow(self, factor: float, until: int) -> None:
        """Plans that begin before a stream sample take so many times as long."""
        self._slowness, self._slow_until = factor, until

    # --- as every worker -----------------------------------------------------------------------

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """See `StemWorker`."""
        ready = self._inner.wait_ready(timeout_s)
        return replace(ready, plan_s=0.2)  # not 0: then the session would not count time at all

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        """See `StemWorker`."""
        self._inner.submit(plan, requests)
        (finished,) = self._inner.poll()
        self._job = _Job(finished, self._now(), self._plan_s(finished), patience_s)

    def finish(self, plan: int) -> None:
        """A plan that is made is there in a moment, unless the generator hangs."""
        if (job := self._job) is not None and job.started is not None and not self._stuck:
            elapsed_s = (self._now() - job.started) / self._rate
            job.takes_s = min(job.takes_s, elapsed_s + FINISH_S)

    def cancel(self, plan: int) -> None:
        """See `StemWorker`."""
        if self._job is not None and (self._job.started is None or not self._stuck):
            self._end("cancelled", "cancelled")

    def pace(self, plan: int) -> None:
        """Tells nothing."""

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """See `StemWorker`."""
        now, job = self._now(), self._job
        if job is not None and job.started is None and now >= self._back:
            job.started = now
            job.takes_s *= self._slowness if now < self._slow_until else 1.0
        elif job is not None and job.started is not None:
            elapsed_s = (now - job.started) / self._rate
            if self._stuck and elapsed_s > job.patience_s:
                self._lose(f"the generator gave no sign for {job.patience_s:.1f} s")
            elif not self._stuck and elapsed_s >= job.takes_s:
                failed = "audio holds NaN or infinity" if self._spoilt else ""
                self._spoilt = max(0, self._spoilt - 1)
                self._end("failed" if failed else "done", failed)
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """See `StemWorker`."""
        self._end("cancelled", "the worker was closed")

    def _lose(self, reason: str) -> None:
        self.restarts += 1
        self._stuck = False
        self._back = self._now() + round(RESTART_S * self._rate)
        if self._job is not None and self._job.started is not None:
            self._end("failed", reason)

    def _end(self, outcome: Outcome, reason: str) -> None:
        job, self._job = self._job, None
        if job is None:
            return
        ended = job.finished
        if outcome != "done":
            ended = replace(ended, outcome=outcome, reason=reason, stems=())
        started = self._now() if job.started is None else job.started
        waited_s = (started - job.asked) / self._rate
        self._ended.append(replace(ended, waited_s=waited_s, made_s=job.takes_s))
