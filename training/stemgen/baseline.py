"""Training the autoregressive baseline: the same pairs and sources, every level at once."""

from __future__ import annotations

import torch
from torch import Tensor

from model.autoregressive import AutoregressiveNetwork
from model.device import autocast
from model.sources import Sources
from training.stemgen.pairs import PairBatch
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import VARIANTS, draw_told, sources_of, vary_sources
from training.stemgen.train import WholeTraining


class AutoregressiveTraining(WholeTraining):
    """One run: the step and the held-out figures."""

    network: AutoregressiveNetwork

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """Cross-entropy (nats) of every token of the targets [B, Q, T] after those before it."""
        told = draw_told(len(batch.instrument), generator)
        sources = sources_of(self.network, batch).keep(told)
        return self._told_loss(self.network, batch, sources)

    @torch.no_grad()
    def evaluate(self, songs: list[EncodedSong], batches: int = 2) -> dict[str, float]:
        """Held-out loss (nats) of each level with each of `VARIANTS`, of the averaged network."""
        network = self.averaged.eval()
        assert isinstance(network, AutoregressiveNetwork)
        figures: dict[str, float] = {}
        for batch in self._drawn(songs, batches):
            for variant in VARIANTS:
                sources = vary_sources(sources_of(network, batch), variant)
                _, parts = self._told_loss(network, batch, sources)
                for name, value in parts.items():
                    name = f"{name}_{variant}"
                    figures[name] = figures.get(name, 0.0) + value / batches
        return figures

    def _told_loss(
        self, network: AutoregressiveNetwork, batch: PairBatch, sources: Sources
    ) -> tuple[Tensor, dict[str, float]]:
        with autocast(self.device):
            conditioned = network.condition(sources.to(self.device))
            return network.loss(conditioned, batch.target.to(self.device))
