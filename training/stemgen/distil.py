"""Learning to be guided: what several passes give together, in one.

The teacher is a network that is not told the weights of guidance. Its guided distribution of level
1, by contrast (`model.guidance`), is what the student has to give when it is told them. The finer
levels are learnt from the stems, as ever: guidance does not touch them.
"""

from __future__ import annotations

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.device import autocast
from model.masking import FULL_FRAMES_SHARE, draw_rates, mask_frames
from model.network import StemNetwork
from model.request import SOURCES
from model.sources import Sources
from training.errors import TrainingError
from training.stemgen.losses import finer_loss
from training.stemgen.pairs import PairBatch
from training.stemgen.settings import StemgenSettings
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import draw_told, sources_of
from training.stemgen.train import WholeTraining

GROUPS = (("audio", "clock"), ("audio",), ("clock",), ("instrument",), ("harmony",), ("sound",))
"""Sources that are turned together."""
TURNED = 2
"""Groups that are turned in a step; each costs the teacher a pass."""
HIGHEST = 6.0
"""Highest weight that is learnt."""
LOWERED_SHARE, PLAIN_SHARE = 0.15, 0.25
"""Share of the weights below 1, and of those that are 1; the rest is above."""
REPORTED = 3.0
"""Weight of audio and clock in the held-out figures."""


Turned = dict[tuple[str, ...], Tensor]
"""Weights of guidance [B] by the sources that are turned together."""


def draw_weights(batch: int, generator: torch.Generator) -> Tensor:
    """A weight each: float32 [batch], 0..HIGHEST."""
    fate = torch.rand(batch, generator=generator)
    draw = torch.rand(batch, generator=generator)
    above = HIGHEST**draw  # as many between 1 and 2 as between 3 and 6
    weights = torch.where(fate < LOWERED_SHARE, draw, above)
    plain = (fate >= LOWERED_SHARE) & (fate < LOWERED_SHARE + PLAIN_SHARE)
    return torch.where(plain, 1.0, weights)


class Distillation(WholeTraining):
    """One run: the step and the held-out figures."""

    def __init__(
        self,
        network: StemNetwork,
        device: torch.device,
        settings: StemgenSettings,
        teacher: StemNetwork,
    ):
        """TrainingError: the student is not told guidance, or one does not tell levels in depth."""
        super().__init__(network, device, settings)
        if not network.config.guided or network.config.fine != "depth":
            raise TrainingError(
                f"student has {network.config}; valid: guided, finer levels in depth"
            )
        self.teacher = teacher.to(device).eval().requires_grad_(False)

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """How far the student is from the guided teacher on windows [B, Q, T] (nats), and the loss
        of the finer levels."""
        size, to = len(batch.instrument), self.device
        sources = sources_of(self.network, batch).keep(draw_told(size, generator))
        order = torch.randperm(len(GROUPS), generator=generator).tolist()
        turned: Turned = {}
        for index in order:
            if len(turned) < TURNED and not {s for g in turned for s in g} & set(GROUPS[index]):
                turned[GROUPS[index]] = draw_weights(size, generator)
        rates = draw_rates(size, generator, FULL_FRAMES_SHARE)
        target, masked = mask_frames(batch.target, rates, batch.prefix, generator)
        told = torch.rand(int(masked.sum()), generator=generator) < self.settings.fine_share
        with autocast(to):
            guided = self._guided(sources, turned, target, masked, batch.prefix)
            hidden = self._told(sources, turned, target, batch.prefix)
            where = masked.to(to)
            loss = divergence(guided, self.network.logits(hidden[where], 0))
            figures = {"guided": float(loss.detach())}
            truth = batch.target.transpose(1, 2).to(to)[where]
            count = int(told.sum())
            fine, parts = finer_loss(self.network, hidden[where], truth, told.to(to), count)
        return loss + self.settings.fine_weight * fine, figures | parts

    @torch.no_grad()
    def evaluate(self, songs: list[EncodedSong], batches: int = 2) -> dict[str, float]:
        """Held-out divergence (nats) from the guided teacher: of the student that is told the
        weights, and of the teacher without guidance, which is what there is to learn."""
        figures = super().evaluate(songs, batches) | {"guided": 0.0, "unguided": 0.0}
        for batch in self._drawn(songs, batches, live=True):
            size = len(batch.instrument)
            turned: Turned = {("audio", "clock"): torch.full((size,), REPORTED)}
            sources = sources_of(self.network, batch)
            generator = torch.Generator().manual_seed(3)
            target, masked = mask_frames(batch.target, torch.ones(size), batch.prefix, generator)
            where = masked.to(self.device)
            network = self.averaged.eval()
            with autocast(self.device):
                guided = self._guided(sources, turned, target, masked, batch.prefix)
                plain = self._hidden(self.teacher, sources, target, batch.prefix)
                told = self._told(sources, turned, target, batch.prefix, network)
                for name, by, hidden in (
                    ("guided", network, told),
                    ("unguided", self.teacher, plain),
                ):
                    apart = divergence(guided, by.logits(hidden[where], 0))
                    figures[name] += float(apart) / batches
        return figures

    def _told(
        self,
        sources: Sources,
        turned: Turned,
        target: Tensor,
        prefix: Tensor,
        network: StemNetwork | None = None,
    ) -> Tensor:
        """What the student makes of it when it is told the weights: [B, T, width]."""
        to, network = self.device, network or self.network
        weights = torch.ones(len(prefix), len(SOURCES))
        for group, weight in turned.items():
            for source in group:
                weights[:, SOURCES.index(source)] = weight
        conditioned = network.condition(sources.to(to), weights.to(to))
        return network(conditioned, target.to(to), prefix.to(to) if bool(prefix.any()) else None)

    @torch.no_grad()
    def _guided(
        self,
        sources: Sources,
        turned: Turned,
        target: Tensor,
        masked: Tensor,
        prefix: Tensor,
    ) -> Tensor:
        """The teacher's guided log-probabilities of level 1 at the masked frames [M, V]."""
        rows = masked.nonzero()[:, 0].to(self.device)

        where = masked.to(self.device)

        def told(which: Sources) -> Tensor:
            hidden = self._hidden(self.teacher, which, target, prefix)
            return torch.log_softmax(self.teacher.logits(hidden[where], 0).float(), -1)

        every = told(sources)
        mixed = every
        for group, weight in turned.items():
            without = told(sources.only(set(SOURCES) - set(group)))
            mixed = mixed + (weight.to(self.device)[rows, None] - 1.0) * (every - without)
        return torch.log_softmax(mixed, -1)


def divergence(guided: Tensor, logits: Tensor) -> Tensor:
    """Mean Kullback-Leibler divergence (nats) of logits [M, V] from log-probabilities [M, V]."""
    told = torch.log_softmax(logits.float(), -1)
    return functional.kl_div(told, guided, reduction="batchmean", log_target=True)
