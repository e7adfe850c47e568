"""Several stems made one beside the other, for a generator that cannot make them as one."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from companion.generate.generator import Decoding
from model.request import StemRequest, StemResult


class OneByOne:
    """A batch whose stems take their steps in turn; one that fails leaves the others alone."""

    def __init__(
        self, start: Callable[[StemRequest], Decoding], requests: Sequence[StemRequest]
    ) -> None:
        """Begin them all."""
        self._stems: list[Decoding | Exception] = []
        for request in requests:
            try:
                self._stems.append(start(request))
            except Exception as error:
                self._stems.append(error)
        self._left = set(range(len(requests)))

    @property
    def progress(self) -> float:
        """Share of the work done, 0..1."""
        shares = [1.0 if isinstance(s, Exception) else s.progress for s in self._stems]
        return sum(shares) / max(1, len(shares))

    def step(self) -> bool:
        """One step of each that has any left; True while there is more to do."""
        for index in sorted(self._left):
            stem = self._stems[index]
            try:
                more = not isinstance(stem, Exception) and stem.step()
            except Exception as error:
                self._stems[index], more = error, False
            if not more:
                self._left.discard(index)
        return bool(self._left)

    def finish(self, only: int | None = None) -> None:
        """The next step of each, or of one, is the last of its level."""
        for index, stem in enumerate(self._stems):
            if not isinstance(stem, Exception) and only in (None, index):
                stem.finish()

    def cancel(self, only: int | None = None) -> None:
        """No more steps, or no more of one."""
        for index, stem in enumerate(self._stems):
            if only in (None, index):
                if not isinstance(stem, Exception):
                    stem.cancel()
                self._left.discard(index)

    def finished(self, index: int) -> bool:
        """Whether one has no more steps to take."""
        return index not in self._left

    def result(self, index: int) -> StemResult:
        """The filled window of one; raises what went wrong with it."""
        stem = self._stems[index]
        if isinstance(stem, Exception):
            raise stem
        return stem.result()
