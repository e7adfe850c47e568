"""Training the autoregressive baseline: the same pairs and sources, every level at once."""

from __future__ import annotations

import torch
from torch import Tensor

from model.autoregressive import AutoregressiveNetwork
from model.device import autocast
from training.stemgen.pairs import PairBatch
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import VARIANTS, drop_sources, vary_sources
from training.stemgen.train import StemgenTraining


class AutoregressiveTraining(StemgenTraining):
    """One run: the step and the held-out figures."""

    network: AutoregressiveNetwork

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy (nats) of every token of the targets [B, Q, T] after those before it."""
        none = torch.zeros(len(batch.instrument), dtype=torch.long)
        context, instrument, clock_known = drop_sources(batch, none, generator)
        return self._told_loss(batch, context, batch.context_pitches, instrument, clock_known)

    @torch.no_grad()
    def evaluate(self, songs: list[EncodedSong], batches: int = 2) -> dict[str, float]:
        """Held-out loss (nats) of each level with each of `VARIANTS`."""
        self.network.eval()
        figures: dict[str, float] = {}
        for batch in self._drawn(songs, batches):
            for variant in VARIANTS:
                _, parts = self._told_loss(batch, *vary_sources(batch, variant))
                for name, value in parts.items():
                    name = f"{name}_{variant}"
                    figures[name] = figures.get(name, 0.0) + value / batches
        return figures

    def _told_loss(
        self,
        batch: PairBatch,
        context: Tensor,
        pitches: Tensor,
        instrument: Tensor,
        clock_known: Tensor,
    ) -> tuple[Tensor, dict[str, float]]:
        to = self.device
        with autocast(to):
            conditioned = self.network.condition(
                context.to(to),
                pitches.to(to),
                instrument.to(to),
                batch.phase.to(to),
                clock_known.to(to),
            )
            return self.network.loss(conditioned, batch.target.to(to))
