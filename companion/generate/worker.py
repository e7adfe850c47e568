"""The background worker: takes plans from the session, keeps the generator alive, hands back stems.

One plan is made at a time. Each player has at most one plan waiting; a newer one takes its place,
and players with a plan waiting take turns in the order of their numbers. A plan that is being made
is not given up for a newer one, or a slow machine would never finish any.

A generator that dies, talks nonsense or takes too long is ended and started again, at once the
first time, then ever later; the plan it was making is reported as failed, waiting ones stay.

*Threading*: one thread, `worker`, owns everything here. The public methods may be called from any
thread: they put a task into the worker's inbox and return, but for `wait_ready`, `close` and a
`poll` with a timeout. The link's threads do the same with what they hear.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from companion.errors import CompanionError
from companion.generate.link import (
    Link,
    Lost,
    OpenLink,
    ProcessLink,
    ThreadLink,
    child_command,
)
from companion.generate.loading import GeneratorName, loading
from companion.generate.protocol import (
    CANCELLED,
    NO_PLAN,
    VERSION,
    Cancel,
    Failed,
    Finish,
    Guidance,
    Hello,
    Message,
    Plan,
    ProtocolError,
    Ready,
    Result,
)
from companion.generate.stem_worker import START_TIMEOUT_S, Finished, Outcome
from model.request import StemRequest, StemResult, check_guidance

PLAN_TIMEOUT_S = 30.0
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Wait before the first, second, ... restart without a plan made in between; then the last."""
TICK_S = 0.1
CLOSE_TIMEOUT_S = 5.0


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    player: int
    plan: int
    request: StemRequest
    submitted_s: float
    number: int = NO_PLAN
    started_s: float = 0.0


class Worker:
    """See the module; `process_worker` and `thread_worker` make one."""

    def __init__(
        self,
        open_link: OpenLink,
        plan_timeout_s: float = PLAN_TIMEOUT_S,
        start_timeout_s: float = START_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start the generator.

        Args:
            open_link: starts one; called again after each that is lost.
            plan_timeout_s: a plan that takes longer is lost, and the generator with it.
            start_timeout_s: one that is not ready by then is lost.
            clock: monotonic seconds.
        """
        self._open_link = open_link
        self._plan_timeout_s = plan_timeout_s
        self._start_timeout_s = start_timeout_s
        self._clock = clock
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._outbox: SimpleQueue[Finished] = SimpleQueue()
        self._told = threading.Event()  # ready once, or given up
        self._restarts = 0
        self._reason = ""  # why the generator was lost last
        # The worker thread's own.
        self._ready: Ready | None = None  # of the first generator that got this far
        self._given_up = False
        self._closing = False
        self._link: Link | None = None
        self._links = 0
        self._idle = False  # the present link is ready and makes nothing
        self._opened_s = 0.0
        self._reopen_s: float | None = None
        self._losses = 0  # since the last plan made
        self._waiting: dict[int, _Job] = {}
        self._making: _Job | None = None
        self._number = 0
        self._last_player = -1
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        self._thread.start()

    @property
    def restarts(self) -> int:
        """How often the generator had to be started again."""
        return self._restarts

    @property
    def lost_reason(self) -> str:
        """Why the generator was lost the last time, one line; empty if it never was."""
        return self._reason

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """See `StemWorker`."""
        if not self._told.wait(timeout_s):
            raise CompanionError(f"the generator is not ready after {timeout_s:g} s")
        if self._ready is None:
            raise CompanionError(self._reason)
        return self._ready

    def submit(self, player: int, plan: int, request: StemRequest) -> None:
        """See `StemWorker`."""
        job = _Job(player, plan, request, self._clock())
        self._inbox.put(partial(self._on_submit, job))

    def set_guidance(self, player: int, values: Mapping[str, float]) -> None:
        """See `StemWorker`."""
        check_guidance(values)
        self._inbox.put(partial(self._on_guidance, player, dict(values)))

    def finish(self, player: int) -> None:
        """See `StemWorker`."""
        self._inbox.put(partial(self._on_finish, player))

    def cancel(self, player: int) -> None:
        """See `StemWorker`."""
        self._inbox.put(partial(self._on_cancel, player))

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """See `StemWorker`."""
        found: list[Finished] = []
        try:
            found.append(self._outbox.get(timeout_s > 0.0, timeout_s or None))
            while True:
                found.append(self._outbox.get_nowait())
        except Empty:
            return found

    def close(self) -> None:
        """See `StemWorker`."""
        self._inbox.put(self._on_close)
        self._thread.join(CLOSE_TIMEOUT_S)

    # --- in the worker's thread from here on ----------------------------------------------------

    def _run(self) -> None:
        self._open()
        while not self._closing:
            timed = self._making is not None or not self._idle
            with contextlib.suppress(Empty):
                self._inbox.get(timeout=TICK_S if timed else None)()
            self._check_time()
            self._dispatch()
        if self._link is not None:
            self._link.close()
        for job in (self._making, *self._waiting.values()):
            if job is not None:
                self._end(job, "cancelled", "the worker was closed")
        self._give_up("the worker was closed")

    def _open(self) -> None:
        self._links += 1
        self._idle = False
        self._reopen_s = None
        self._opened_s = self._clock()
        number = self._links
        try:
            self._link = self._open_link(
                lambda message: self._inbox.put(partial(self._on_heard, number, message))
            )
        except OSError as error:
            self._lose(f"the generator cannot be started ({error})")

    def _on_heard(self, link: int, message: Message | Lost) -> None:
        if link != self._links or self._link is None:
            return  # the last words of one that was given up
        match message:
            case Hello(version=version):
                if version != VERSION:
                    self._lose(f"the generator speaks version {version}; valid: {VERSION}")
            case Ready():
                self._idle = True
                self._ready = self._ready or message
                self._told.set()
            case Result(number=number, result=result, seconds=seconds):
                if (job := self._made(number)) is not None:
                    self._losses = 0
                    self._end(job, "done", "", result, seconds)
            case Failed(number=number, reason=reason) if number != NO_PLAN:
                if (job := self._made(number)) is not None:
                    self._end(job, "cancelled" if reason == CANCELLED else "failed", reason)
            case Failed(reason=reason) | Lost(reason=reason):
                self._lose(reason)

    def _made(self, number: int) -> _Job | None:
        job = self._making
        if job is None or job.number != number:
            return None
        self._making, self._idle = None, True
        return job

    def _lose(self, reason: str) -> None:
        """The present link is of no more use: report its plan, plan the next start."""
        self._reason = reason
        if self._link is not None:
            self._link.close(0.0)
            self._link = None
        self._idle = False
        if self._making is not None:
            self._end(self._making, "failed", reason)
            self._making = None
        if self._ready is None:  # a first start that fails would fail again
            self._give_up(reason)
            return
        wait_s = BACKOFF_S[min(self._losses, len(BACKOFF_S) - 1)]
        self._losses += 1
        self._reopen_s = self._clock() + wait_s

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self._reason = self._reason or reason
        self._told.set()

    def _check_time(self) -> None:
        now_s = self._clock()
        if self._given_up:
            return
        if self._link is None:
            if self._reopen_s is not None and now_s >= self._reopen_s:
                self._restarts += 1
                self._open()
        elif self._making is not None:
            if now_s - self._making.started_s > self._plan_timeout_s:
                self._lose(f"a plan took longer than {self._plan_timeout_s:g} s")
        elif not self._idle and now_s - self._opened_s > self._start_timeout_s:
            self._lose(f"the generator was not ready after {self._start_timeout_s:g} s")

    def _dispatch(self) -> None:
        if self._given_up:
            for job in self._waiting.values():
                self._end(job, "failed", self._reason)
            self._waiting.clear()
        while self._idle and self._waiting and self._link is not None:
            later = [player for player in self._waiting if player > self._last_player]
            self._last_player = min(later or self._waiting)
            job = self._waiting.pop(self._last_player)
            self._number += 1
            job = replace(job, number=self._number, started_s=self._clock())
            try:
                self._link.send(Plan(job.number, job.request))
            except ProtocolError as error:
                self._end(job, "failed", str(error))
                continue
            self._making, self._idle = job, False

    def _on_submit(self, job: _Job) -> None:
        if (older := self._waiting.get(job.player)) is not None:
            self._end(older, "superseded", f"plan {job.plan} took its place")
        self._waiting[job.player] = job

    def _on_guidance(self, player: int, values: Mapping[str, float]) -> None:
        if (job := self._waiting.get(player)) is not None:
            self._waiting[player] = replace(job, request=replace(job.request, guidance=values))
        self._tell(player, lambda number: Guidance(number, values))

    def _on_finish(self, player: int) -> None:
        self._tell(player, Finish)

    def _on_cancel(self, player: int) -> None:
        if (job := self._waiting.pop(player, None)) is not None:
            self._end(job, "cancelled", CANCELLED)
        self._tell(player, Cancel)

    def _on_close(self) -> None:
        self._closing = True

    def _tell(self, player: int, message: Callable[[int], Message]) -> None:
        """Say something about the plan that is being made, if it is the player's."""
        if self._making is not None and self._making.player == player and self._link is not None:
            self._link.send(message(self._making.number))

    def _end(
        self,
        job: _Job,
        outcome: Outcome,
        reason: str,
        result: StemResult | None = None,
        made_s: float = 0.0,
    ) -> None:
        started_s = job.started_s if job.number != NO_PLAN else self._clock()
        waited_s = started_s - job.submitted_s
        self._outbox.put(Finished(job.player, job.plan, outcome, result, reason, waited_s, made_s))


def process_worker(
    generator: GeneratorName, device: str = "auto", weights: Path | None = None
) -> Worker:
    """A worker whose generator lives in a child process: nothing it does holds up the rig."""
    command = child_command(generator, device, weights)
    return Worker(partial(ProcessLink, command))


def thread_worker(
    generator: GeneratorName, device: str = "auto", weights: Path | None = None
) -> Worker:
    """A worker whose generator lives in a thread of this process: less memory, more stalls."""
    return Worker(partial(ThreadLink, loading(generator, device, weights)))
