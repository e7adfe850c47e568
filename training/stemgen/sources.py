"""Which sources an example is told: each withheld now and then, or the wrong one."""

from __future__ import annotations

import torch
from torch import Tensor

from model.network import StemNetwork
from model.request import SOURCES
from model.sound import sound_of
from model.sources import Sources
from training.stemgen.pairs import PairBatch

ALL_SHARE, NONE_SHARE = 0.3, 0.1
"""Share of examples with every source, and with none; in the rest each is dropped half of the time.

A departure: the paper drops each source independently, at rates it does not give. Then everything
is dropped so seldom (0.25 ** 5) that the distribution which guidance leans away from is never
learnt: its loss was twice that of any other.
"""
VARIANTS = (
    "right",
    "dropped",
    "wrong",
    "no_instrument",
    "no_clock",
    "no_harmony",
    "no_sound",
    "bare",
    "nothing",
)
"""What the held-out loss is measured with: everything told; no context, or that of another song;
one source withheld; *bare*: mix, instrument and clock alone; and nothing, which guidance leans away
from."""


def sources_of(network: StemNetwork, batch: PairBatch) -> Sources:
    """All that a batch tells, on the CPU."""
    books = network.codebooks.cpu()
    return Sources(
        context=batch.context,
        guessed=batch.guessed,
        pitches=batch.context_pitches,
        instrument=batch.instrument,
        phase=batch.phase,
        clock_known=batch.clock_known,
        harmony=batch.harmony.float(),
        harmony_known=batch.harmony_known,
        sound=sound_of(books, batch.reference, batch.reference_sounding),
        sound_known=batch.reference_sounding.any(1),
    )


def draw_told(batch: int, generator: torch.Generator) -> dict[str, Tensor]:
    """Which sources each example is told: bool [batch] for each of `SOURCES`."""
    fate = torch.rand(batch, generator=generator)
    every, none = fate < ALL_SHARE, (fate >= ALL_SHARE) & (fate < ALL_SHARE + NONE_SHARE)
    chances = {name: torch.rand(batch, generator=generator) < 0.5 for name in SOURCES}
    return {name: every | (chance & ~none) for name, chance in chances.items()}


def vary_sources(sources: Sources, variant: str) -> Sources:
    """The sources as one of `VARIANTS` has them."""
    if variant == "right":
        return sources
    if variant == "wrong":
        return sources.of_another()
    withheld = {
        "dropped": {"audio"},
        "nothing": set(SOURCES),
        "bare": {"harmony", "sound"},
    }.get(variant) or {variant.removeprefix("no_")}
    return sources.only(set(SOURCES) - withheld)
