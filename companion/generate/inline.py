"""The worker that works where it is called, for the offline clock: each plan is on time.

*Threading*: none; one thread at a time may use it.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

from companion.generate.generator import StemGenerator
from companion.generate.loading import Loading
from companion.generate.protocol import CANCELLED, Plan, Ready, Result
from companion.generate.serve import Inbox, make
from companion.generate.stem_worker import PATIENCE_S, START_TIMEOUT_S, Finished, StemWorker
from companion.generate.warmup import ready_of
from companion.system.errors import CompanionError, one_line
from model.request import StemRequest


class InlineWorker(StemWorker):
    """Its `submit` returns when the plan is made."""

    def __init__(self, source: Loading) -> None:
        """Nothing is loaded before it is needed."""
        self._source = source
        self._generator: StemGenerator | None = None
        self._ready: Ready | None = None
        self._finished: deque[Finished] = deque()

    def wait_ready(self, timeout_s: float = START_TIMEOUT_S) -> Ready:
        """Load the generator, however long that takes.

        No time is measured, because plans take none of the offline clock's, and no number of
        threads is chosen by measuring, because the last bits of a stem may depend on it; it says
        how many there are.

        Raises:
            CompanionError: it cannot be loaded.
        """
        if self._ready is None:
            try:
                self._generator = self._source.load()
            except (ValueError, ImportError) as error:
                raise CompanionError(one_line(error)) from error
            threads = self._source.threads() if self._source.threads is not None else 0
            self._ready = ready_of(self._generator, 0.0, {}, threads, self._source.recordings)
        return self._ready

    def set_threads(self, threads: int) -> None:
        """Compute with so many processor threads, where the generator has use for them.

        The last bits of a stem may depend on it: what is to come out the same needs the same.
        """
        if self._source.set_threads is not None:
            self._source.set_threads(threads)

    def submit(
        self, plan: int, requests: Sequence[StemRequest], patience_s: float = PATIENCE_S
    ) -> None:
        """Make the plan now; `poll` has it."""
        self.wait_ready()
        assert self._generator is not None
        message = Plan(plan, tuple(requests))
        answer = make(self._generator, message, Inbox(), deque(), lambda _: None)
        if isinstance(answer, Result):
            ended = Finished(plan, "done", answer.stems, "", 0.0, answer.seconds)
        else:
            reason = answer.reason if answer is not None else CANCELLED
            ended = Finished(plan, "failed", (), reason, 0.0, 0.0)
        self._finished.append(ended)

    def poll(self, timeout_s: float = 0.0) -> list[Finished]:
        """Plans made since the last call."""
        found = list(self._finished)
        self._finished.clear()
        return found

    def close(self) -> None:
        """Let go of the generator."""
        self._generator = self._ready = None
