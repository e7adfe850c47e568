"""A generator that is told to finish at a certain step: what a plan was live, once more.

When a plan is told to finish depends on time; what comes of it, on how many steps were done by then
alone.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, cast

from companion.generate.generator import BatchDecoding, StemGenerator
from model.request import StemRequest


@dataclass(slots=True)
class Hurry:
    """After so many steps plans are told to finish; None lets them go on."""

    after: int | None = None


class HurriedGenerator:
    """A `StemGenerator`, but for when its batches finish."""

    def __init__(self, generator: StemGenerator, hurry: Hurry) -> None:
        """`hurry` counts for the batches that begin from now on, and may change."""
        self._generator, self._hurry = generator, hurry

    def start_together(self, requests: Sequence[StemRequest]) -> BatchDecoding:
        """See `StemGenerator`."""
        batch = _Hurried(self._generator.start_together(requests), self._hurry.after)
        return cast(BatchDecoding, batch)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._generator, name)


class _Hurried:
    def __init__(self, batch: BatchDecoding, after: int | None) -> None:
        self._batch, self._after, self._done = batch, after, 0

    def step(self) -> bool:
        if self._done == self._after:
            self._batch.finish()
        self._done += 1
        return self._batch.step()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._batch, name)


def hurried_after(stems: Iterable[tuple[Sequence[int], int]]) -> int | None:
    """The step after which a batch was told to finish; None if it was not.

    Where several would do, they come to the same: the last step of a level fills all of it anyway.

    Args:
        stems: of each its steps by level, as they were meant, and how many it took.
    """
    told = [(tuple(steps), done) for steps, done in stems]
    most = max((sum(steps) for steps, _ in told), default=0)
    for after in [None, *range(most)]:
        if all(_steps_done(steps, after) == done for steps, done in told):
            return after
    return None


def _steps_done(steps: tuple[int, ...], after: int | None) -> int:
    """How many steps a stem takes that is told to finish after so many."""
    if after is None or after >= sum(steps):
        return sum(steps)
    return after + sum(end > after for end in accumulate(steps))
