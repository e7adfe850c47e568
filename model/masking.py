"""Masks to train with: one level at a time, everything finer hidden (paper, "Training").

For each example a level is drawn and a share p of its positions is masked; coarser levels stay
visible and *all finer levels are masked everywhere*, so that none leaks. Frames of a visible
prefix are given at every level, as bars already played are in live use.

Inferred from SoundStorm, which the paper follows: p = cos(u), u uniform on [0, pi/2].
Departures: a share of the examples is masked completely (p = 1), where every generation begins
and where the cosine law hardly goes; coarse levels are drawn more often; the visible prefix.

A network that tells finer levels in depth is trained with whole frames masked instead
(`mask_frames`), half of the time in the order in which decoding fills them.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from model.decoding import bias_scale
from model.network import MASK
from model.request import DecodeSettings

LEVEL_WEIGHTS = (0.4, 0.25, 0.2, 0.15)
"""How often each level is trained, coarse to fine."""
FULL_SHARE = 0.5
"""Share of examples with everything masked."""
FULL_FRAMES_SHARE = 0.3
"""The same where whole frames are masked: every level is learnt from each example there."""
ORDERED_SHARE = 0.5
"""Share of examples whose frames are masked from the back, as decoding leaves them open."""
ORDERED_STEPS = 8
"""Decode steps whose order that is."""


def draw_levels(batch: int, generator: torch.Generator) -> Tensor:
    """The level each example trains: int64 [batch]."""
    weights = torch.tensor(LEVEL_WEIGHTS)
    return torch.multinomial(weights, batch, replacement=True, generator=generator)


def draw_rates(batch: int, generator: torch.Generator, full_share: float = FULL_SHARE) -> Tensor:
    """The share of positions to mask in each example: float32 [batch], 0..1."""
    rates = torch.cos(torch.rand(batch, generator=generator) * (math.pi / 2))
    full = torch.rand(batch, generator=generator) < full_share
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


def mask_frames(
    target: Tensor, rates: Tensor, prefix_frames: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Mask whole frames of a batch of target tokens, at all levels.

    Args:
        target: tokens of the stem [B, Q, T].
        rates: share of the free frames to mask [B], 0..1; at least one is masked.
        prefix_frames: frames at the start that stay visible [B], below T.

    Returns:
        the tokens with MASK in them [B, Q, T], and where they are masked [B, T].
    """
    batch, _, frames = target.shape
    place = torch.arange(frames)[None] - prefix_frames[:, None]
    free_frames = frames - prefix_frames
    ordered = torch.rand(batch, generator=generator) < ORDERED_SHARE
    early = bias_scale(ORDERED_STEPS) * DecodeSettings().causal_bias
    weight = torch.where(ordered, early, 0.0)[:, None]
    chance = torch.rand(batch, frames, generator=generator)
    late = weight * place / free_frames[:, None] + chance
    late = torch.where(place >= 0, late, -torch.inf)
    count = (rates * free_frames).ceil().long().clamp(min=1)
    rank = late.argsort(1, descending=True).argsort(1)
    masked = rank < count[:, None]
    return torch.where(masked[:, None], MASK, target), masked
