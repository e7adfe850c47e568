"""Several stems decoded together: one pass through the network fills a step of all of them.

Stems whose windows are laid alike (as many frames given, as many new) share each pass: their
guidance terms lie behind one another in its batch, which makes larger products and fewer of them.
Others take their steps in turn. A stem is what it would be alone, but for the last digits of the
products; one that fails leaves the others alone.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from model.device import autocast
from model.request import StemRequest, StemResult
from model.trunk import Past, join_pasts

if TYPE_CHECKING:
    from model.generator import StemDecoding, StemGenerator


class BatchDecoding:
    """Stems being made together; not thread-safe, everything is called between steps."""

    def __init__(self, generator: StemGenerator, requests: Sequence[StemRequest]):
        self._generator = generator
        self._stems: list[StemDecoding | None] = []
        self._errors: dict[int, Exception] = {}
        for index, request in enumerate(requests):
            try:
                self._stems.append(generator.start(request))
            except (ValueError, RuntimeError, MemoryError) as error:
                self._stems.append(None)
                self._errors[index] = error
        self._joined: dict[tuple[int, ...], tuple[Tensor, Past]] = {}

    @property
    def progress(self) -> float:
        """Share of the steps that are done, 0..1."""
        shares = [1.0 if stem is None else stem.progress for stem in self._stems]
        return sum(shares) / len(shares) if shares else 1.0

    def step(self) -> bool:
        """One decode step of every stem that has any left; True while there is more to do."""
        alike: dict[tuple[int, int], list[int]] = {}
        for index in self._unfinished():
            guided = self._stem(index).guided
            alike.setdefault((guided.first, guided.rest.shape[1]), []).append(index)
        for group in alike.values():
            self._step_together(group)
        return bool(self._unfinished())

    def set_guidance(self, index: int, guidance: Mapping[str, float]) -> None:
        """New guidance of one stem from the next step on; ValueError as for a stem alone."""
        if index not in self._errors:
            self._stem(index).set_guidance(guidance)
            self._joined.clear()

    def finish(self, only: int | None = None) -> None:
        """Fill what is open of all stems, or of one, in one more step a level."""
        for index in self._unfinished():
            if only in (None, index):
                self._stem(index).finish()

    def cancel(self, only: int | None = None) -> None:
        """Stop, or stop one stem; there will be no results of it."""
        for index in self._unfinished():
            if only in (None, index):
                self._stem(index).cancel()

    def finished(self, index: int) -> bool:
        """Whether one stem has no more steps to take."""
        return index not in self._unfinished()

    def result(self, index: int) -> StemResult:
        """Do the steps that are left and return the window of one stem.

        Raises:
            Exception: why this stem failed; see `StemDecoding.result` as well.
        """
        while not self.finished(index):
            self.step()
        if index in self._errors:
            raise self._errors[index]
        return self._stem(index).result()

    def _stem(self, index: int) -> StemDecoding:
        stem = self._stems[index]
        assert stem is not None
        return stem

    def _unfinished(self) -> list[int]:
        return [
            index
            for index, stem in enumerate(self._stems)
            if stem is not None and index not in self._errors and not stem.tokens.finished
        ]

    def _step_together(self, group: Sequence[int]) -> None:
        started = time.perf_counter()
        stems = [self._stem(index) for index in group]
        rest, past = self._join(group)
        with torch.inference_mode(), autocast(rest.device):
            new = torch.cat([stem.guided.new(stem.tokens.tokens) for stem in stems])
            hidden = self._generator.network.go_on(rest, new, past)
        parts = hidden.split([len(stem.guided.terms) for stem in stems])
        for index, stem, part in zip(group, stems, parts, strict=True):
            try:
                stem.tokens.fill(*stem.guided.told(part, *stem.tokens.open))
            except ValueError as error:
                self._errors[index] = error
        share_s = (time.perf_counter() - started) / len(group)
        for stem in stems:
            stem.count(share_s)

    def _join(self, group: Sequence[int]) -> tuple[Tensor, Past]:
        """The terms of a group as one batch; the same from step to step while all go on."""
        key = tuple(group)
        if key not in self._joined:
            guided = [self._stem(index).guided for index in group]
            self._joined = {k: v for k, v in self._joined.items() if not set(k) & set(key)}
            self._joined[key] = (
                torch.cat([each.rest for each in guided]),
                join_pasts([each.past for each in guided]),
            )
        return self._joined[key]
