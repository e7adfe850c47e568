"""Training with masks in an order: what is hidden is what decoding in that order fills last."""

from __future__ import annotations

import torch
from torch import Tensor

from model.device import autocast
from model.masking import FULL_FRAMES_SHARE, draw_levels, draw_rates, mask_targets
from model.network import MASK, StemNetwork
from model.sources import Sources
from training.errors import TrainingError
from training.experiments.orders import CONFIDENCE, RANDOM, first_frames, shares
from training.stemgen.hiding import Hiding
from training.stemgen.pairs import PairBatch
from training.stemgen.settings import StemgenSettings
from training.stemgen.sources import draw_told, sources_of
from training.stemgen.train import Figures, WholeTraining


class OrderedTraining(WholeTraining):
    """One run.

    A network that tells finer levels in depth has whole frames hidden, in the order; another one
    is masked as in the paper, level by level at random.
    """

    def __init__(
        self, network: StemNetwork, device: torch.device, settings: StemgenSettings, order: str
    ):
        """TrainingError: an order for a network that does not tell finer levels in depth."""
        super().__init__(network, device, settings)
        if order != RANDOM and network.config.fine != "depth":
            raise TrainingError(
                f"order is {order!r} with fine {network.config.fine!r}; valid: {RANDOM!r}, or depth"
            )
        self._order = order

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, Figures]:
        """The loss (nats) of windows [B, Q, T], and what it is made of."""
        told = draw_told(len(batch.instrument), generator)
        if self.network.config.fine == "depth":
            hiding = self.hide_frames(batch, told, generator)
        else:
            hiding = _levels(batch, told, generator)
        return self._part_loss(batch, hiding, hiding.counts)

    def hide_frames(
        self, batch: PairBatch, told: dict[str, Tensor], generator: torch.Generator
    ) -> Hiding:
        """What is hidden of windows [B, Q, T]: whole frames, in the order.

        Args:
            told: which windows are told each source, bool [B].
        """
        size, _, frames = batch.target.shape
        rates = draw_rates(size, generator, FULL_FRAMES_SHARE)
        free = torch.arange(frames)[None] >= batch.prefix[:, None]
        noise = torch.rand(size, frames, generator=generator)
        sureness = None
        if self._order == CONFIDENCE:
            sources = sources_of(self.network, batch).keep(told)
            sureness = self.sureness(sources, batch, free)
        hidden = (rates * free.sum(1)).ceil().long().clamp(min=1)
        first = first_frames(shares(self._order, free, sureness), free, noise, free.sum(1) - hidden)
        masked = free & ~first
        finer = masked & (torch.rand(size, frames, generator=generator) < self.settings.fine_share)
        every = masked[:, None].expand_as(batch.target)
        return Hiding(told, None, every, masked, finer)

    @torch.no_grad()
    def sureness(self, sources: Sources, batch: PairBatch, free: Tensor) -> Tensor:
        """Probability of the likeliest token of level 1 before anything is filled [B, T].

        It is asked once for a window, not once for each step of decoding, which would cost a pass
        through the network each.
        """
        empty = torch.where(free[:, None], MASK, batch.target)
        with autocast(self.device):
            hidden = self._hidden(self.network, sources, empty, batch.prefix)
            logits = self.network.logits(hidden, 0).float()
        return logits.softmax(-1).amax(-1).cpu()


def _levels(batch: PairBatch, told: dict[str, Tensor], generator: torch.Generator) -> Hiding:
    size = len(batch.instrument)
    levels, rates = draw_levels(size, generator), draw_rates(size, generator)
    tokens, masked = mask_targets(batch.target, levels, rates, batch.prefix, generator)
    return Hiding(told, levels, tokens == MASK, masked, torch.zeros_like(masked))
