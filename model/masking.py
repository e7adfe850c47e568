"""Masks to train with: one level at a time, everything finer hidden (paper, "Training").

For each example a level is drawn and a share p of its positions is masked; coarser levels stay
visible and *all finer levels are masked everywhere*, so that none leaks. Frames of a visible
prefix are given at every level, as bars already played are in live use.

Inferred from SoundStorm, which the paper follows: p = cos(u), u uniform on [0, pi/2].
Departures: a share of the examples is masked completely (p = 1), where every generation begins
and where the cosine law hardly goes; coarse levels are drawn more often; the visible prefix.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.network import MASK

LEVEL_WEIGHTS = (0.4, 0.25, 0.2, 0.15)
"""How often each level is trained, coarse to fine."""
FULL_SHARE = 0.5
"""Share of examples with everything masked."""


def draw_levels(batch: int, generator: torch.Generator) -> Tensor:
    """The level each example trains: int64 [batch]."""
    weights = torch.tensor(LEVEL_WEIGHTS)
    return torch.multinomial(weights, batch, replacement=True, generator=generator)


def draw_rates(batch: int, generator: torch.Generator) -> Tensor:
    """The share of positions to mask in each example: float32 [batch], 0..1."""
    rates = torch.cos(torch.rand(batch, generator=generator) * (math.pi / 2))
    full = torch.rand(batch, generator=generator) < FULL_SHARE
    return torch.where(full, torch.ones(()), rates)


def mask_targets(
    target: Tensor,
    levels: Tensor,
    rates: Tensor,
    prefix_frames: Tensor,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor]:
    """Mask a batch of target tokens.

    Args:
        target: tokens [B, Q, T].
        levels: level to train in each example [B], 0..Q-1.
        rates: share of its positions to mask [B], 0..1; at least one is masked.
        prefix_frames: frames at the start that stay visible at all levels [B], below T.

    Returns:
        the tokens with MASK in them [B, Q, T], and where the loss counts [B, T]: the masked
        positions of the example's level.
    """
    batch, count, frames = target.shape
    position = torch.arange(frames)
    free = position[None] >= prefix_frames[:, None]
    chance = torch.rand(batch, frames, generator=generator)
    masked = (chance < rates[:, None]) & free
    # The free position with the smallest draw is masked whatever the rate: at least one.
    first = torch.where(free, chance, torch.inf).argmin(1)
    masked[torch.arange(batch), first] = True
    level = torch.arange(count)[None, :, None]
    trained = levels[:, None, None]
    hidden = ((level == trained) & masked[:, None]) | ((level > trained) & free[:, None])
    return torch.where(hidden, MASK, target), masked
