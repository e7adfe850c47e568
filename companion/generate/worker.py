"""The background worker: takes plans from the session, keeps the generator alive, hands back stems.

One plan is made at a time, and at most one waits; a newer one takes its place. A plan that is being
made is not given up for a newer one, or a slow machine would never finish any.

A generator that dies, talks nonsense, gives no sign of life or fails time after time is ended and
started again, at once the first time, then ever later; the plan it was making is reported as
failed, one that waits stays.

*Threading*: one thread, `worker`, or without it who polls, owns everything here. The public methods
may be called from any thread: they put a task into the worker's inbox and return, but for
`wait_ready`, `close` and a `poll` with a timeout; `pace` looks at what is replaced as a whole. The
link's threads do the same with what they hear.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from queue import Empty, SimpleQueue

from companion.generate.loading import GeneratorName, loading
from companion.generate.protocol import (
    CANCELLED,
    NO_PLAN,
    VERSION,
    Cancel,
    Failed,
    Finish,
    Hello,
    Message,
    Plan,
    Progress,
    ProtocolError,
    Ready,
    Result,
)
from companion.generate.stem_worker import PATIENCE_S, START_TIMEOUT_S, Finished, Outcome, Pace
from companion.generate.wire import (
    Link,
    Lost,
    OpenLink,
    ProcessLink,
    ThreadLink,
    child_command,
)
from companion.system.errors import CompanionError
from model.request import StemRequest, StemResult

FAILURES = 2
"""A generator that fails so many plans in a row, out of memory or of sense, is replaced."""
BACKOFF_S = (0.0, 0.5, 1.0, 2.0, 5.0, 10.0)
"""Wait before the first, second, ... restart without a plan made in between; then the last."""
TICK_S = 0.1
CLOSE_TIMEOUT_S = 5.0
PACE_SIGNS = 16
"""So many signs of life of a plan are kept: of the last one or two seconds."""


@dataclass(frozen=True, slots=True, eq=False)
class _Job:
    plan: int
    requests: tuple[StemRequest, ...]
    patience_s: float
    submitted_s: float
    number: int = NO_PLAN
    started_s: float = 0.0


class Worker:
    """Has plans made in the background; `process_worker` and `thread_worker` make one.

    Attributes:
        present: what the generator can do that is there now; None while there is none.
        restarts: how often the generator had to be started again.
        lost_reason: why it was lost the last time, one line; empty if it never was.
    """

    def __init__(
        self,
        open_link: OpenLink,
        start_timeout_s: float = START_TIMEOUT_S,
        clock: Callable[[], float] = time.monotonic,
        threaded: bool = True,
        backoff_s: Sequence[float] = BACKOFF_S,
        persists: bool = False,
    ) -> None:
        """Start the generator.

        Args:
            open_link: starts one; called again after each that is lost, with the number of threads
                that the first found to be best: it spares the others the search, and all plans of
                a take are made with as many.
            start_timeout_s: one that is not ready by then is lost.
            clock: monotonic seconds.
            threaded: do the work in a thread; else each call of `poll` does what is due.
            backoff_s: in place of `BACKOFF_S`.
            persists: try again also where the first start fails.
        """
        self._open_link, self._backoff_s, self._persists = open_link, backoff_s, persists
        self._start_timeout_s = start_timeout_s
        self._clock = clock
        self._inbox: SimpleQueue[Callable[[], None]] = SimpleQueue()
        self._outbox: SimpleQueue[Finished] = SimpleQueue()
        self._told = threading.Event()  # ready once, or given up
        self.present: Ready | None = None
        self.restarts = 0
        self.lost_reason = ""
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
        self._failures = 0  # in a row
        self._waiting: _Job | None = None
        self._making: _Job | None = None
        self._heard_s = 0.0  # the last sign of life
        self._signs: tuple[int, tuple[tuple[float, float], ...]] = NO_PLAN, ()  # see `Pace.heard`
        self._number = 0
        self._threaded = threaded
        self._thread = threading.Thread(target=self._run, name="worker", daemon=True)
        if threaded:
            self._thread.start()
        else:
            self._open()

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """See `StemWorker`."""
        self._keep_up()
        if not self._told.wait(timeout_s):
            raise CompanionError(f"the generator is not ready after {timeout_s:g} s")
        if self._ready is None:
            raise CompanionError(self.lost_reason)
        return self._ready

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        """See `StemWorker`."""
        job = _Job(plan, tuple(requests), patience_s, self._clock())
        self._inbox.put(partial(self._on_submit, job))

    def finish(self, plan: int) -> None:
        """See `StemWorker`."""
        self._inbox.put(partial(self._tell, plan, Finish))

    def cancel(self, plan: int) -> None:
        """See `StemWorker`."""
        self._inbox.put(partial(self._on_cancel, plan))

    def pace(self, plan: int) -> Pace | None:
        """See `StemWorker`."""
        job, (number, signs) = self._making, self._signs
        if job is None or job.plan != plan:
            return None
        return Pace(self._clock() - job.started_s, signs if number == job.number else ())

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """See `StemWorker`."""
        self._keep_up()
        found: list[Finished] = []
        try:
            found.append(self._outbox.get(timeout_s > 0.0, timeout_s or None))
            while True:
                found.append(self._outbox.get_nowait())
        except Empty:
            return found

    def close(self) -> None:
        """See `StemWorker`."""
        self._inbox.put(partial(setattr, self, "_closing", True))
        if self._threaded:
            self._thread.join(CLOSE_TIMEOUT_S)
        elif not self._given_up:
            self._keep_up()
            self._end_all()

    def _keep_up(self) -> None:
        """Do what is due where no thread does."""
        if not self._threaded:
            self._turn(0.0)

    # --- in the worker's thread from here on ----------------------------------------------------

    def _run(self) -> None:
        self._open()
        while not self._closing:
            timed = self._making is not None or not self._idle
            self._turn(TICK_S if timed else None)
        self._end_all()

    def _turn(self, timeout_s: float | None) -> None:
        with contextlib.suppress(Empty):
            self._inbox.get(timeout=timeout_s)()
            while True:  # all there is, before silence is held against the generator
                self._inbox.get_nowait()()
        self._check_time()
        self._dispatch()

    def _end_all(self) -> None:
        if self._link is not None:
            self._link.close()
        for job in (self._making, self._waiting):
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
                lambda message: self._inbox.put(partial(self._on_heard, number, message)),
                0 if self._ready is None else self._ready.threads,
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
                self._ready, self.present = self._ready or message, message
                self._told.set()
            case Progress(number=number, share=share):
                self._heard_s = self._clock()
                self._on_sign(number, share)
            case Result(number=number, stems=stems, seconds=seconds):
                if (job := self._made(number)) is not None:
                    self._end(job, "done", "", stems, seconds)
                    self._count(next((stem for stem in stems if isinstance(stem, str)), ""))
            case Failed(number=number, reason=reason) if number != NO_PLAN:
                if (job := self._made(number)) is not None:
                    cancelled = reason == CANCELLED
                    self._end(job, "cancelled" if cancelled else "failed", reason)
                    if not cancelled:
                        self._count(reason)
            case Failed(reason=reason) | Lost(reason=reason):
                self._lose(reason)

    def _on_sign(self, number: int, share: float) -> None:
        """The plan of that number has come so far; replaced as a whole, for `pace` reads it."""
        job, (of, signs) = self._making, self._signs
        if job is not None and job.number == number:
            before = signs[1 - PACE_SIGNS :] if of == number else ()
            self._signs = number, (*before, (self._heard_s - job.started_s, share))

    def _made(self, number: int) -> _Job | None:
        job = self._making
        if job is None or job.number != number:
            return None
        self._making, self._idle = None, True
        return job

    def _count(self, failure: str) -> None:
        """A plan came back; `failure` says what went wrong with it, if anything did."""
        self._failures = self._failures + 1 if failure else 0
        if not failure:
            self._losses = 0
        elif self._failures >= FAILURES:
            self._lose(f"{FAILURES} plans in a row failed: {failure}")

    def _lose(self, reason: str) -> None:
        """The present link is of no more use: report its plan, plan the next start."""
        self.lost_reason, self.present = reason, None
        if self._link is not None:
            self._link.close(0.0)
            self._link = None
        self._idle = False
        self._failures = 0
        if self._making is not None:
            self._end(self._making, "failed", reason)
            self._making = None
        if self._ready is None and not self._persists:  # a first start that fails would fail again
            self._give_up(reason)
            return
        wait_s = self._backoff_s[min(self._losses, len(self._backoff_s) - 1)]
        self._losses += 1
        self._reopen_s = self._clock() + wait_s

    def _give_up(self, reason: str) -> None:
        self._given_up = True
        self.lost_reason = self.lost_reason or reason
        self._told.set()

    def _check_time(self) -> None:
        now_s = self._clock()
        if self._given_up:
            return
        if self._link is None:
            if self._reopen_s is not None and now_s >= self._reopen_s:
                self.restarts += 1
                self._open()
        elif self._making is not None:
            if now_s - self._heard_s > self._making.patience_s:
                self._lose(f"the generator gave no sign for {self._making.patience_s:.1f} s")
        elif not self._idle and now_s - self._opened_s > self._start_timeout_s:
            self._lose(f"the generator was not ready after {self._start_timeout_s:g} s")

    def _dispatch(self) -> None:
        job = self._waiting
        if job is None:
            return
        if self._given_up:
            self._waiting = None
            self._end(job, "failed", self.lost_reason)
        elif self._idle and self._link is not None:
            self._waiting = None
            self._number += 1
            self._heard_s = self._clock()
            job = replace(job, number=self._number, started_s=self._heard_s)
            try:
                self._link.send(Plan(job.number, job.requests))
            except ProtocolError as error:
                self._end(job, "failed", str(error))
                return
            self._making, self._idle = job, False

    def _on_submit(self, job: _Job) -> None:
        if self._waiting is not None:
            self._end(self._waiting, "superseded", f"plan {job.plan} took its place")
        self._waiting = job

    def _on_cancel(self, plan: int) -> None:
        if self._waiting is not None and self._waiting.plan == plan:
            self._end(self._waiting, "cancelled", CANCELLED)
            self._waiting = None
        self._tell(plan, Cancel)

    def _tell(self, plan: int, message: Callable[[int], Message]) -> None:
        """Say something about a plan if it is being made."""
        if self._making is not None and self._making.plan == plan and self._link is not None:
            self._link.send(message(self._making.number))

    def _end(
        self,
        job: _Job,
        outcome: Outcome,
        reason: str,
        stems: tuple[StemResult | str, ...] = (),
        made_s: float = 0.0,
    ) -> None:
        started_s = job.started_s if job.number != NO_PLAN else self._clock()
        waited_s = started_s - job.submitted_s
        self._outbox.put(Finished(job.plan, outcome, stems, reason, waited_s, made_s))


def process_worker(
    generator: GeneratorName,
    device: str = "auto",
    weights: Path | None = None,
    recordings: Sequence[Path] = (),
    enough_s: float = 0.0,
) -> Worker:
    """A worker whose generator lives in a child process: nothing it does holds up the rig."""

    return Worker(
        lambda receive, threads: ProcessLink(
            child_command(generator, device, weights, threads, recordings, enough_s), receive
        )
    )


def thread_worker(
    generator: GeneratorName,
    device: str = "auto",
    weights: Path | None = None,
    recordings: Sequence[Path] = (),
    enough_s: float = 0.0,
) -> Worker:
    """A worker whose generator lives in a thread of this process: less memory, more stalls."""
    source = loading(generator, device, weights, recordings, enough_s)
    return Worker(lambda receive, threads: ThreadLink(source, receive, threads))
