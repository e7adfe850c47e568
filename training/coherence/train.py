"""Training the coherence network: the loss, the step, the figures on songs not trained on."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.device import autocast
from training.coherence.features import BandSong
from training.coherence.network import CoherenceNetwork
from training.coherence.pairs import CoherenceBatch, Kind, draw_batch
from training.loop import learning_rate

HEARD_BY: tuple[tuple[Kind, ...], ...] = (
    (Kind.OTHER_SONG, Kind.OTHER_BARS, Kind.TRANSPOSED),
    (Kind.OTHER_SONG, Kind.OFF_BEAT),
    (Kind.OTHER_SONG, Kind.OTHER_BARS, Kind.TRANSPOSED, Kind.OFF_BEAT),
)
"""The wrong pairs that the harmonic half, the percussive half and both together should tell."""
SHARES = {
    Kind.TRUE: 0.5,
    Kind.OTHER_SONG: 0.3,
    Kind.OTHER_BARS: 0.06,
    Kind.TRANSPOSED: 0.07,
    Kind.OFF_BEAT: 0.07,
}
"""What each kind weighs in the log-odds: half of all pairs are true."""


@dataclass(frozen=True, slots=True)
class CoherenceSettings:
    """What a run is made of; a resumed run must agree on it."""

    steps: int
    songs_a_step: int = 16
    peak: float = 2e-3
    weight_decay: float = 0.02
    seed: int = 1


def coherence_loss(logits: Tensor, kinds: Tensor, pitched: Tensor) -> Tensor:
    """Loss (nats) of log-odds [3, C, S] of pairs of the kinds [C, S].

    For each half and for both: cross-entropy of the true stem among the wrong ones (InfoNCE, van
    den Oord et al. 2018), and the weighted logistic loss that makes it a probability. The harmonic
    half answers for pitched stems [S] only.
    """
    total = logits.new_zeros(())
    for number, (half, heard) in enumerate(zip(logits, HEARD_BY, strict=True)):
        counts = (kinds == Kind.TRUE) | _any_of(kinds, heard)
        if number == 0:
            counts &= pitched & pitched[: len(kinds), None]
        rows = counts.any(1)
        if not rows.any():
            continue
        chosen = half.masked_fill(~counts, -1e4)[rows]
        truth = torch.arange(len(kinds), device=half.device)[rows]
        total = total + functional.cross_entropy(chosen, truth)
        total = total + _logistic(half, kinds, counts)
    return total


def _logistic(half: Tensor, kinds: Tensor, counts: Tensor) -> Tensor:
    losses = functional.binary_cross_entropy_with_logits(
        half, (kinds == Kind.TRUE).to(half.dtype), reduction="none"
    )
    total, weights = half.new_zeros(()), 0.0
    for kind, share in SHARES.items():
        where = counts & (kinds == kind)
        if where.any():
            # Each kind at its share; the wrong ones that are there make up for those that are not.
            total = total + share * losses[where].mean()
            weights += share
    return total / weights


def _any_of(kinds: Tensor, wanted: tuple[Kind, ...]) -> Tensor:
    return torch.stack([kinds == kind for kind in wanted]).any(0)


class CoherenceTraining:
    """One run: the step and the figures."""

    def __init__(
        self, network: CoherenceNetwork, device: torch.device, settings: CoherenceSettings
    ):
        self.network, self.device, self.settings = network, device, settings
        self.optimizer = torch.optim.AdamW(
            network.parameters(),
            settings.peak,
            betas=(0.9, 0.98),
            weight_decay=settings.weight_decay,
        )

    def batches(self, songs: list[BandSong], first: int) -> Iterator[CoherenceBatch]:
        """Batches from a step on."""
        for step in itertools.count(first):
            yield draw_batch(songs, self.settings.songs_a_step, self.settings.seed, step)

    def step(self, step: int, batch: CoherenceBatch) -> dict[str, float]:
        """One optimiser step."""
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.settings.steps, self.settings.peak, 50)
        self.network.train()
        logits = self._logits(batch)
        loss = coherence_loss(logits, batch.kinds.to(self.device), batch.pitched.to(self.device))
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            self.optimizer.step()
        first = logits[2].detach()[:, : len(logits[2])].argmax(1).cpu()
        right = (first == torch.arange(len(first))).float().mean()
        return {"loss": float(loss.detach()), "first_of_batch": float(right)}

    @torch.no_grad()
    def evaluate(self, songs: list[BandSong], batches: int = 12) -> dict[str, float]:
        """Loss, and for each half how often a true pair scores above a wrong one of each kind."""
        self.network.eval()
        figures: dict[str, list[float]] = {}
        for index in range(batches):
            batch = draw_batch(songs, self.settings.songs_a_step, 10_007, index)
            logits = self._logits(batch).cpu()
            figures.setdefault("loss", []).append(
                float(coherence_loss(logits, batch.kinds, batch.pitched))
            )
            for name, half in zip(("harmonic", "percussive", "both"), logits, strict=True):
                true = half.diagonal()[:, None]
                for kind in list(Kind)[1:]:
                    where = batch.kinds == kind
                    if where.any():
                        above = (true > half)[where].float().mean()
                        figures.setdefault(f"{name}_{kind.name.lower()}", []).append(float(above))
        return {name: sum(values) / len(values) for name, values in figures.items()}

    def _logits(self, batch: CoherenceBatch) -> Tensor:
        to = self.device
        with autocast(to):
            stems = self.network.embed(batch.stem_semitones.to(to), batch.stem_mel.to(to), 0)
            contexts = self.network.embed(
                batch.context_semitones.to(to), batch.context_mel.to(to), 1
            )
        return self.network.logits(stems, contexts)
