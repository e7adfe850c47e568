"""Training the StemGen network: what is hidden, what counts, the step, the held-out figures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.device import autocast
from model.masking import draw_levels, draw_rates, mask_targets
from model.network import StemNetwork
from training.loop import held_rate, step_seed
from training.stemgen.pairs import PairBatch, draw_batch
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import VARIANTS, draw_prefix, drop_sources, vary_sources


@dataclass(frozen=True, slots=True)
class StemgenSettings:
    """What a run is made of; a resumed run must agree on it."""

    steps: int
    frames_a_step: int = 4096
    short_frames: int = 256
    short_share: float = 0.75
    """Share of the steps, at the start, with short windows; then the network's full length."""
    peak: float = 2e-3
    """Learning rate after the warm-up, until `hold_share` of the steps; then it falls."""
    hold_share: float = 0.1
    pitch_weight: float = 0.5
    """How much the error in the pitches of what is masked counts beside the tokens' loss."""
    weight_decay: float = 0.05
    seed: int = 1


def make_optimizers(network: StemNetwork, settings: StemgenSettings) -> list[torch.optim.Optimizer]:
    """Muon for the trunk's matrices, AdamW for embeddings, heads and gains."""
    matrices = [p for p in network.trunk.parameters() if p.ndim == 2]
    chosen = {id(p) for p in matrices}
    others = [p for p in network.parameters() if id(p) not in chosen]
    return [
        torch.optim.Muon(
            matrices,
            settings.peak,
            weight_decay=settings.weight_decay,
            adjust_lr_fn="match_rms_adamw",
        ),
        torch.optim.AdamW(
            others, settings.peak, betas=(0.9, 0.98), weight_decay=settings.weight_decay
        ),
    ]


def token_loss(
    network: StemNetwork, hidden: Tensor, target: Tensor, masked: Tensor, levels: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy (nats) on the masked positions of each example's level, and it by level.

    Args:
        hidden: what the network made of the masked target [B, T, width].
        target: tokens of the stem [B, Q, T].
        masked: where the loss counts [B, T].
        levels: level of each example [B], 0..Q-1.
    """
    total = torch.zeros((), device=hidden.device)
    figures = {}
    for level in sorted(set(levels.tolist())):
        where = masked & (levels == level)[:, None]
        logits = network.logits(hidden[where], level).float()
        loss = functional.cross_entropy(logits, target[:, level][where], reduction="sum")
        figures[f"level_{level + 1}"] = float(loss.detach()) / max(1, int(where.sum()))
        total = total + loss
    return total / masked.sum(), figures


class StemgenTraining:
    """One run: the step and the held-out figures."""

    def __init__(self, network: StemNetwork, device: torch.device, settings: StemgenSettings):
        self.network, self.device, self.settings = network, device, settings
        self.optimizers = make_optimizers(network, settings)

    def batches(self, songs: list[EncodedSong], first: int) -> Iterator[PairBatch]:
        """Batches from a step on, drawn one ahead in a thread."""
        settings = self.settings

        def draw(step: int) -> PairBatch:
            short = step < settings.short_share * settings.steps
            frames = settings.short_frames if short else self.network.config.frames
            return draw_batch(songs, settings.frames_a_step // frames, frames, settings.seed, step)

        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(draw, first)
            for step in itertools.count(first + 1):
                batch = ahead.result()
                ahead = pool.submit(draw, step)
                yield batch

    def step(self, step: int, batch: PairBatch) -> dict[str, float]:
        """One optimiser step."""
        settings = self.settings
        generator = torch.Generator().manual_seed(step_seed(settings.seed + 1, step))
        rate = held_rate(step, settings.steps, settings.peak, 100, settings.hold_share)
        for group in itertools.chain(*(o.param_groups for o in self.optimizers)):
            group["lr"] = rate
        self.network.train()
        torch.manual_seed(step_seed(settings.seed + 2, step))  # the noise on what is heard
        loss, figures = self.loss(batch, generator)
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            for optimizer in self.optimizers:
                optimizer.step()
        return {"loss": float(loss.detach()), **figures}

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """The loss (nats) of windows [B, Q, T] that are hidden as the dice say, and it by level."""
        size, _, frames = batch.target.shape
        prefix = draw_prefix(size, frames, generator)
        context, instrument, clock_known = drop_sources(batch, prefix, generator)
        levels, rates = draw_levels(size, generator), draw_rates(size, generator)
        masked_target, masked = mask_targets(batch.target, levels, rates, prefix, generator)
        to = self.device
        with autocast(to):
            hidden = self._hidden(
                batch,
                context,
                batch.context_pitches,
                instrument,
                clock_known,
                masked_target,
                prefix,
            )
            loss, figures = token_loss(
                self.network, hidden, batch.target.to(to), masked.to(to), levels.to(to)
            )
            if self.network.config.context == "tokens":
                return loss, figures
            told = self.network.pitches(hidden[masked]).float()
        pitch_error = functional.mse_loss(told, batch.target_pitches[masked].to(to))
        figures["pitch_error"] = float(pitch_error.detach())
        return loss + self.settings.pitch_weight * pitch_error, figures

    @torch.no_grad()
    def evaluate(self, songs: list[EncodedSong], batches: int = 2) -> dict[str, float]:
        """Held-out loss (nats) of each level by share masked, and of level 1 with the right, the
        dropped and the wrong context, and without instrument or clock."""
        self.network.eval()
        figures: dict[str, float] = {}
        drawn = self._drawn(songs, batches)
        for rate in (1.0, 0.9, 0.7):
            for variant in VARIANTS:
                loss = sum(self._loss(b, 0, rate, variant) for b in drawn) / batches
                figures[f"level_1_masked_{rate:.0%}_{variant}"] = loss
        for level in range(1, self.network.config.levels):
            for variant in ("right", "dropped"):
                loss = sum(self._loss(b, level, 1.0, variant) for b in drawn) / batches
                figures[f"level_{level + 1}_masked_100%_{variant}"] = loss
        return figures

    def _drawn(self, songs: list[EncodedSong], batches: int) -> list[PairBatch]:
        frames = min(self.network.config.frames, min(song.frames for song in songs))
        return [draw_batch(songs, 12, frames, 10_007, index) for index in range(batches)]

    def _loss(self, batch: PairBatch, level: int, rate: float, variant: str) -> float:
        size = len(batch.instrument)
        levels = torch.full((size,), level)
        none = torch.zeros(size, dtype=torch.long)
        generator = torch.Generator().manual_seed(3)
        masked_target, masked = mask_targets(
            batch.target, levels, torch.full((size,), rate), none, generator
        )
        sources = vary_sources(batch, variant)
        to = self.device
        with autocast(to):
            hidden = self._hidden(batch, *sources, masked_target, None)
            loss, _ = token_loss(
                self.network, hidden, batch.target.to(to), masked.to(to), levels.to(to)
            )
        return float(loss)

    def _hidden(
        self,
        batch: PairBatch,
        context: Tensor,
        pitches: Tensor,
        instrument: Tensor,
        clock_known: Tensor,
        masked_target: Tensor,
        prefix: Tensor | None,
    ) -> Tensor:
        """What the network makes of masked targets [B, Q, T] and their sources: [B, T, width]."""
        to = self.device
        conditioned = self.network.condition(
            context.to(to),
            pitches.to(to),
            instrument.to(to),
            batch.phase.to(to),
            clock_known.to(to),
        )
        return self.network(
            conditioned, masked_target.to(to), None if prefix is None else prefix.to(to)
        )
