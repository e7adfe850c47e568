"""A worker whose plans are made by a box elsewhere, and by this machine while that is away.

The generator of this machine is loaded and warm all the time, so that a plan which is lost with the
box is begun here at once, from the same request. The box is called again and again; when it is back
it makes one plan for trial, whose way there and back is timed, and then those of the set again.

*Threading*: belongs to one thread, the session's; the two workers have threads of their own.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from companion.generate.latency import stages_of
from companion.generate.protocol import Ready
from companion.generate.stem_worker import (
    PATIENCE_S,
    START_TIMEOUT_S,
    Finished,
    Pace,
    StemWorker,
)
from companion.generate.warmup import typical_request
from companion.generate.worker import Worker
from companion.remote.link import Box
from companion.system.errors import CompanionError
from model.abilities import Abilities
from model.request import StemRequest, StemResult

BACKOFF_S = (0.25, 0.25, 0.25, 0.25, 0.5)
"""Waits before the box is called again; the last for good: it is to be back within two bars."""
FIRST_S = 5.0
"""So long a set that begins waits for the box."""
WAIT_S = 0.1
TRIAL = -1
"""The number of the plan for trial."""
TRIAL_PATIENCE_S = 5.0
TRY_AGAIN_S = 2.0
"""A box that failed its trial is given another after so long."""


@dataclass(frozen=True, slots=True)
class _Asked:
    """A plan that the box is making."""

    requests: tuple[StemRequest, ...]
    patience_s: float
    at_s: float


@dataclass(frozen=True, slots=True)
class _Told:
    """What a generator elsewhere has told of itself, as `typical_request` asks a generator."""

    max_frames: int
    abilities: Abilities
    tokens: NDArray[np.int16]

    def silence(self, frames: int) -> NDArray[np.int16]:
        return self.tokens[:, :frames]


class RemoteFirst(StemWorker):
    """Has plans made by a box, or here.

    Attributes:
        made_by: called, in a `poll`, with what the generator can do that makes the plans from then
            on.
        failed: told, likewise, of each plan that the box failed at, one line.
        trouble: why plans are made here, one line; empty while the box makes them.
    """

    def __init__(
        self,
        box: Box,
        here: StemWorker,
        there: Worker | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Call the box.

        Args:
            box: who is called.
            here: makes plans on this machine.
            there: has plans made by the box; by default one that calls it.
            clock: monotonic seconds.
        """
        self._box, self._here, self._clock = box, here, clock
        self._there = there or Worker(box.open, backoff_s=BACKOFF_S, persists=True)
        self._asked: dict[int, _Asked] = {}
        self._again: dict[int, float] = {}  # plans begun anew here, and how long they had waited
        self._present: Ready | None = None  # of the box, as it was seen last
        self._tried_s: float | None = None  # when the trial was asked for that is under way
        self._again_s = 0.0  # when there is to be another
        self._making = False  # whether the box makes the plans
        self._own: Ready | None = None
        self.made_by: Callable[[Ready], None] = lambda _: None
        self.failed: Callable[[str], None] = lambda _: None
        self.trouble = ""

    @property
    def restarts(self) -> int:
        """How often the box had to be called again."""
        return self._there.restarts

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """What both can do, with what a plan takes here; a box that is away is not waited for.

        Raises:
            CompanionError: this machine's generator will never be ready, or the box does not want
                to, because of its key, its version or its weights.
        """
        if self._own is not None:
            return self._own
        own = self._here.wait_ready(timeout_s)
        until_s = self._clock() + FIRST_S
        while self._there.present is None and self._clock() < until_s:
            if self._box.refusal:
                raise CompanionError(self._box.refusal)
            with contextlib.suppress(CompanionError):
                self._there.wait_ready(WAIT_S)
        self._own = own
        self._look()
        return own

    @property
    def told(self) -> str:
        """Where plans are made, one line for who plays."""
        if self._present is None:
            return self.trouble
        return (
            f"generator on {self._present.device} at {self._box.place}: "
            f"{self._present.plan_s:.2f} s a plan and the way there and back"
        )

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        """See `StemWorker`."""
        if self._making:
            self._asked[plan] = _Asked(tuple(requests), patience_s, self._clock())
            self._there.submit(plan, requests, patience_s)
        else:
            self._here.submit(plan, requests, patience_s)

    def finish(self, plan: int) -> None:
        """See `StemWorker`."""
        self._maker(plan).finish(plan)

    def cancel(self, plan: int) -> None:
        """See `StemWorker`."""
        maker = self._maker(plan)
        self._asked.pop(plan, None)
        maker.cancel(plan)

    def pace(self, plan: int) -> Pace | None:
        """See `StemWorker`."""
        return self._maker(plan).pace(plan)

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """See `StemWorker`; waits for what is made where plans are made now."""
        self._look()
        waits_there = timeout_s if self._making else 0.0
        found = [
            each for ended in self._there.poll(waits_there) if (each := self._ended_there(ended))
        ]
        waits_here = 0.0 if found or self._making else timeout_s
        for ended in self._here.poll(waits_here):
            waited_s = self._again.pop(ended.plan, 0.0)
            found.append(replace(ended, waited_s=ended.waited_s + waited_s))
        return found

    def close(self) -> None:
        """See `StemWorker`; the box goes on for others."""
        self._there.close()
        self._here.close()

    def _maker(self, plan: int) -> StemWorker:
        return self._there if plan in self._asked else self._here

    def _look(self) -> None:
        """See whether the box has come or gone."""
        present = self._there.present
        if present is not self._present:
            self._present, self._tried_s = present, None
            if self._making:
                self._making, self.trouble = False, self._why()
                if self._own is not None:
                    self.made_by(self._own)
            if present is not None:
                self._try(present)
        if self._making:
            return
        if present is None:
            for plan in self._asked:  # which wait until it is back, unless they are taken back
                self._there.cancel(plan)
            self.trouble = self._why()
        elif self._tried_s is None and self._clock() >= self._again_s:
            self._try(present)

    def _why(self) -> str:
        if self._box.refusal:
            return self._here_until(self._box.refusal)
        if self.trouble:
            return self.trouble  # what happened first, not how it is called again
        unheard = f"the generator at {self._box.place} does not answer"
        return self._here_until(self._there.lost_reason or unheard)

    def _here_until(self, why: str) -> str:
        return f"{why}: plans are made on this machine meanwhile"

    def _try(self, ready: Ready) -> None:
        """Have the box make a plan that nobody plays, as long on its way as others."""
        request = typical_request(_Told(ready.max_frames, ready.abilities, ready.silence))
        noise = np.random.default_rng(0).standard_normal(request.context.size)
        heard = (0.1 * noise).clip(-1, 1).astype(np.float32)
        self._tried_s = self._clock()
        self._there.submit(TRIAL, [replace(request, context=heard)], TRIAL_PATIENCE_S)

    def _tried(self, ended: Finished) -> None:
        """The trial is over: from now on the box makes the plans, if it has made this one."""
        asked_s, self._tried_s = self._tried_s, None
        if asked_s is None or self._present is None:  # it was the trial of one that has gone
            return
        stem = ended.stems[0] if ended.stems else ended.reason
        if not isinstance(stem, StemResult):
            self._again_s = self._clock() + TRY_AGAIN_S
            self.trouble = self._here_until(f"the generator at {self._box.place} failed ({stem})")
            return
        spent_s = sum(stages_of(stem.timings).values()) or ended.made_s
        carried_s = max(0.0, self._clock() - asked_s - spent_s)
        self._making, self.trouble = True, ""
        timings = {**self._present.timings, "carried": carried_s}
        self.made_by(replace(self._present, timings=timings))

    def _ended_there(self, ended: Finished) -> Finished | None:
        """What becomes of a plan of the box's; None for one that is begun anew here."""
        if ended.plan == TRIAL:
            self._tried(ended)
            return None
        asked = self._asked.pop(ended.plan, None)
        if asked is None or ended.outcome in ("done", "superseded"):
            return ended
        if self._there.present is not None:
            place = self._box.place
            self.failed(f"the generator at {place} failed ({ended.reason}): the plan is made here")
        self._again[ended.plan] = self._clock() - asked.at_s
        self._here.submit(ended.plan, asked.requests, max(asked.patience_s, PATIENCE_S))
        return None
