"""A generator in trouble, on the offline clock: plans take stream time, fail, hang or go wrong.

*Threading*: belongs to the session's thread, like the worker it stands in for.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from companion.generate.inline import InlineWorker
from companion.generate.protocol import Ready
from companion.generate.stem_worker import PATIENCE_S, START_TIMEOUT_S, Finished
from model.request import StemRequest

RESTART_S = 4.0
"""A generator that was lost is back after so long."""


@dataclass(slots=True)
class _Job:
    finished: Finished
    asked: int
    takes_s: float
    due: int = 0


class TroubledWorker:
    """Makes plans where it is called and hands them out when their time has come.

    One at a time is made, and one may wait.

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
        self._inner, self._rate, self._now = inner, rate, now
        self._plan_s = plan_s
        self._waiting: _Job | None = None
        self._patience_s = PATIENCE_S
        self._making: _Job | None = None
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
        self._patience_s = patience_s
        self._inner.submit(plan, requests, patience_s)
        (finished,) = self._inner.poll()
        if self._waiting is not None:
            self._end(self._waiting, "superseded", f"plan {plan} took its place")
        self._waiting = _Job(finished, self._now(), self._plan_s(finished))

    def finish(self, plan: int) -> None:
        """A plan that is made is there in a moment, unless the generator hangs."""
        if self._making is not None and not self._stuck:
            self._making.due = min(self._making.due, self._now() + self._rate // 10)

    def cancel(self, plan: int) -> None:
        """See `StemWorker`."""
        if self._making is not None and not self._stuck:
            self._end(self._making, "cancelled", "cancelled")
            self._making = None

    def pace(self, plan: int) -> None:
        """Tells nothing."""

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """See `StemWorker`."""
        now = self._now()
        if self._making is not None:
            started = self._making.due - round(self._making.takes_s * self._rate)
            if self._stuck and now - started > self._patience_s * self._rate:
                self._lose(f"the generator gave no sign for {self._patience_s:.1f} s")
            elif not self._stuck and now >= self._making.due:
                job, self._making = self._making, None
                if self._spoilt:
                    self._spoilt -= 1
                    self._end(job, "failed", "audio holds NaN or infinity")
                else:
                    self._end(job, "done", "")
        if self._making is None and self._waiting is not None and now >= self._back:
            self._making, self._waiting = self._waiting, None
            if now < self._slow_until:
                self._making.takes_s *= self._slowness
            self._making.due = now + round(self._making.takes_s * self._rate)
        ended, self._ended = self._ended, []
        return ended

    def close(self) -> None:
        """See `StemWorker`."""
        for job in (self._making, self._waiting):
            if job is not None:
                self._end(job, "cancelled", "the worker was closed")
        self._making = self._waiting = None

    def _lose(self, reason: str) -> None:
        self.restarts += 1
        self._stuck = False
        self._back = self._now() + round(RESTART_S * self._rate)
        if self._making is not None:
            self._end(self._making, "failed", reason)
            self._making = None

    def _end(self, job: _Job, outcome: Any, reason: str) -> None:
        finished = job.finished
        if outcome != "done":
            finished = replace(finished, outcome=outcome, reason=reason, stems=())
        waited_s = max(0.0, (self._now() - job.asked) / self._rate - job.takes_s)
        self._ended.append(replace(finished, waited_s=waited_s, made_s=job.takes_s))
