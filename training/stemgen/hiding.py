"""What a step withholds and hides: the dice of all its windows, thrown by every process alike.

Each process takes its own rows of what was thrown, so that a step learns the same however many
processes share it.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import torch
from torch import Tensor

from model.grid import LEVELS
from model.masking import (
    FULL_FRAMES_SHARE,
    draw_levels,
    draw_rates,
    mask_frames,
    mask_targets,
)
from model.network import MASK
from training.stemgen.sources import draw_told


@dataclass(frozen=True, slots=True)
class Counts:
    """Over how many places the means of a step go, in all processes together.

    Attributes:
        masked: masked positions, or frames.
        levels: masked positions of the examples of each level [Q]; of a network that tells finer
            levels in depth all are the first's.
        finer: masked frames whose finer levels are learnt.
    """

    masked: int
    levels: tuple[int, ...]
    finer: int


@dataclass(frozen=True, slots=True)
class Hiding:
    """What is withheld and hidden of B windows of T frames.

    Attributes:
        told: for each source, which windows are told it, bool [B].
        levels: level that each window trains [B]; None in depth, where each trains all.
        hidden: which tokens are hidden, bool [B, Q, T].
        masked: where the loss counts, bool [B, T].
        finer: where finer levels count in depth, bool [B, T].
    """

    told: dict[str, Tensor]
    levels: Tensor | None
    hidden: Tensor
    masked: Tensor
    finer: Tensor

    @property
    def counts(self) -> Counts:
        """Of these windows."""
        masked = int(self.masked.sum())
        if self.levels is None:
            return Counts(masked, (masked,), int(self.finer.sum()))
        by_window, levels = self.masked.sum(1), self.levels
        each = (int(by_window[levels == level].sum()) for level in range(LEVELS))
        return Counts(masked, tuple(each), 0)

    def rows(self, rows: slice) -> Hiding:
        """Of some windows."""
        return replace(
            self,
            told={name: flags[rows] for name, flags in self.told.items()},
            levels=None if self.levels is None else self.levels[rows],
            hidden=self.hidden[rows],
            masked=self.masked[rows],
            finer=self.finer[rows],
        )

    def hide(self, target: Tensor) -> Tensor:
        """Tokens [B, Q, T] with MASK in place of what is hidden."""
        return torch.where(self.hidden, MASK, target)


def draw_hiding(
    prefix: Tensor, frames: int, depth: bool, fine_share: float, generator: torch.Generator
) -> Hiding:
    """Throw the dice of a step.

    Args:
        prefix: frames that are given of each of its windows [B].
        frames: T.
        depth: whether finer levels are told in depth.
        fine_share: share of the masked frames whose finer levels are learnt there.
    """
    size = len(prefix)
    told = draw_told(size, generator)
    blank = torch.zeros(size, LEVELS, frames, dtype=torch.long)
    levels = None
    if depth:
        rates = draw_rates(size, generator, FULL_FRAMES_SHARE)
        hidden, masked = mask_frames(blank, rates, prefix, generator)
    else:
        levels, rates = draw_levels(size, generator), draw_rates(size, generator)
        hidden, masked = mask_targets(blank, levels, rates, prefix, generator)
    finer = torch.zeros_like(masked)
    if depth:
        finer[masked] = torch.rand(int(masked.sum()), generator=generator) < fine_share
    return Hiding(told, levels, hidden == MASK, masked, finer)
