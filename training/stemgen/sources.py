"""Which sources an example is given: dropped now and then, cut at a horizon, or the wrong one."""

from __future__ import annotations

import torch
from torch import Tensor

from model.instruments import NULL
from model.network import UNKNOWN
from training.stemgen.pairs import PairBatch

ALL_SHARE, NONE_SHARE = 0.5, 0.1
"""Share of examples with every source, and with none; in the rest each is dropped half of the time.

A departure: the paper drops each source independently, at rates it does not give. Then everything
is dropped so seldom (0.25 ** 3) that the distribution which guidance leans away from is never
learnt: its loss was twice that of any other.
"""
PREFIX_SHARE = 0.5
"""Share of examples with a visible prefix, a quarter to three quarters of the window."""
HORIZON_SHARE = 0.15
"""Share of examples whose context is unknown after some frame in the second half."""


VARIANTS = ("right", "dropped", "wrong", "no_instrument", "no_clock", "nothing")
"""What the held-out loss is measured with; guidance leans on the poorest of them, nothing."""


def drop_sources(
    batch: PairBatch, prefix: Tensor, generator: torch.Generator
) -> tuple[Tensor, Tensor, Tensor]:
    """Drop each source now and then, and hide the context after a horizon now and then.

    Args:
        prefix: frames of the visible prefix [B]; the horizon never lies before its end.

    Returns:
        context [B, Q, T], instrument [B], clock_known [B].
    """
    size, _, frames = batch.context.shape

    def chance(share: float) -> Tensor:
        return torch.rand(size, generator=generator) < share

    fate = torch.rand(size, generator=generator)

    def dropped() -> Tensor:
        some = (fate >= ALL_SHARE + NONE_SHARE) & chance(0.5)
        return some | ((fate >= ALL_SHARE) & (fate < ALL_SHARE + NONE_SHARE))

    earliest = torch.maximum(prefix, torch.tensor(frames // 2))
    spread = torch.rand(size, generator=generator) * (frames - earliest)
    horizon = torch.where(chance(HORIZON_SHARE), earliest + spread.long(), torch.tensor(frames))
    hidden = (torch.arange(frames)[None] >= horizon[:, None]) | dropped()[:, None]
    context = torch.where(hidden[:, None], UNKNOWN, batch.context)
    instrument = torch.where(dropped(), NULL, batch.instrument)
    return context, instrument, ~dropped()


def draw_prefix(batch: int, frames: int, generator: torch.Generator) -> Tensor:
    """Frames of the visible prefix in each example: int64 [batch], often 0."""
    share = 0.25 + 0.5 * torch.rand(batch, generator=generator)
    used = torch.rand(batch, generator=generator) < PREFIX_SHARE
    return torch.where(used, (share * frames).long(), 0)


def vary_sources(batch: PairBatch, variant: str) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """The batch as one of `VARIANTS` has it.

    Returns:
        context [B, Q, T], its pitches [B, T, PITCHES], instrument [B] and clock_known [B].
    """
    context, pitches, instrument = batch.context, batch.context_pitches, batch.instrument
    if variant in ("dropped", "nothing"):
        context = torch.full_like(context, UNKNOWN)
    elif variant == "wrong":
        context, pitches = context.roll(1, 0), pitches.roll(1, 0)
    if variant in ("no_instrument", "nothing"):
        instrument = torch.full_like(instrument, NULL)
    known = torch.full((len(instrument),), variant not in ("no_clock", "nothing"))
    return context, pitches, instrument, known
