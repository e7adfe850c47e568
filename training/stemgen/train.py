"""Training the StemGen network: what is hidden, what counts, the step, the held-out figures."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model.device import autocast
from model.masking import (
    FULL_FRAMES_SHARE,
    draw_levels,
    draw_rates,
    mask_frames,
    mask_targets,
)
from model.network import StemNetwork
from model.sources import Sources
from training.loop import held_rate, step_seed
from training.stemgen.pairs import PairBatch, draw_batch
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import VARIANTS, draw_told, sources_of, vary_sources


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
    fine_share: float = 0.34
    """Share of the masked frames whose finer levels are learnt in a step, of a network in depth."""
    fine_weight: float = 0.4
    """How much the loss of each finer level counts there, beside the first's."""
    average: float = 0.999
    """What stays of the running average of the weights at each step; it is what is kept."""
    pitch_weight: float = 0.5
    """How much the error in the pitches of what is masked counts beside the tokens' loss."""
    weight_decay: float = 0.05
    seed: int = 1


def make_optimizers(network: StemNetwork, settings: StemgenSettings) -> list[torch.optim.Optimizer]:
    """Muon for the matrices of trunk and depth, AdamW for embeddings, heads and gains."""
    matrices = [p for p in network.trunk.parameters() if p.ndim == 2]
    if network.config.fine == "depth":
        for layer in network.depth.modules():
            matrices += layer.parameters() if isinstance(layer, nn.Linear) else ()
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


def depth_loss(
    network: StemNetwork,
    hidden: Tensor,
    target: Tensor,
    masked: Tensor,
    finer: Tensor,
    fine_weight: float,
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy (nats) of masked frames at every level, each finer one told from the truth.

    Args:
        hidden: what the network made of the masked target [B, T, width].
        target: tokens of the stem [B, Q, T].
        masked: which frames are masked [B, T], M of them.
        finer: which of those count at the finer levels [M].
        fine_weight: how much each finer level counts beside the first.
    """
    state, truth = hidden[masked], target.transpose(1, 2)[masked]
    loss = functional.cross_entropy(network.logits(state, 0).float(), truth[:, 0])
    fine, figures = finer_loss(network, state, truth, finer)
    return loss + fine_weight * fine, {"level_1": float(loss.detach()), **figures}


def finer_loss(
    network: StemNetwork, state: Tensor, truth: Tensor, chosen: Tensor
) -> tuple[Tensor, dict[str, float]]:
    """Cross-entropy (nats) of the finer levels of some frames, summed over levels, and by level.

    Args:
        state: the trunk's hidden states [M, width].
        truth: the frames' tokens [M, Q].
        chosen: which of them count [M].
    """
    loss, figures = torch.zeros((), device=state.device), dict[str, float]()
    if not bool(chosen.any()):
        return loss, figures
    state, truth = state[chosen], truth[chosen]
    for level in range(1, network.config.levels):
        state, logits = network.deeper(state, level, truth[:, level - 1])
        fine = functional.cross_entropy(logits.float(), truth[:, level])
        figures[f"level_{level + 1}"] = float(fine.detach())
        loss = loss + fine
    return loss, figures


class StemgenTraining:
    """One run: the step and the held-out figures."""

    def __init__(self, network: StemNetwork, device: torch.device, settings: StemgenSettings):
        self.network, self.device, self.settings = network, device, settings
        self.optimizers = make_optimizers(network, settings)
        self.average = AveragedModel(
            network, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=False
        )

    @property
    def state(self) -> nn.Module:
        """The network and its average, to be kept on disk together."""
        return nn.ModuleList([self.network, self.average])

    @property
    def averaged(self) -> StemNetwork:
        """The running average of the network."""
        network = self.average.module
        assert isinstance(network, StemNetwork)
        return network

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
        self.average.update_parameters(self.network)
        return {"loss": float(loss.detach()), **figures}

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, dict[str, float]]:
        """The loss (nats) of windows [B, Q, T] that are hidden as the dice say, and it by level."""
        size = len(batch.instrument)
        sources = sources_of(self.network, batch).keep(draw_told(size, generator))
        if self.network.config.fine == "depth":
            rates = draw_rates(size, generator, FULL_FRAMES_SHARE)
            target, masked = mask_frames(batch.target, rates, batch.prefix, generator)
            levels = None
        else:
            levels, rates = draw_levels(size, generator), draw_rates(size, generator)
            target, masked = mask_targets(batch.target, levels, rates, batch.prefix, generator)
        to = self.device
        with autocast(to):
            hidden = self._hidden(self.network, sources, target, batch.prefix)
            truth, where = batch.target.to(to), masked.to(to)
            if levels is None:
                told = torch.rand(int(masked.sum()), generator=generator) < self.settings.fine_share
                loss, figures = depth_loss(
                    self.network, hidden, truth, where, told.to(to), self.settings.fine_weight
                )
            else:
                loss, figures = token_loss(self.network, hidden, truth, where, levels.to(to))
            if self.network.config.context == "tokens":
                return loss, figures
            pitches = self.network.pitches(hidden[where]).float()
        pitch_error = functional.mse_loss(pitches, batch.target_pitches[masked].to(to))
        figures["pitch_error"] = float(pitch_error.detach())
        return loss + self.settings.pitch_weight * pitch_error, figures

    @torch.no_grad()
    def evaluate(self, songs: list[EncodedSong], batches: int = 2) -> dict[str, float]:
        """Held-out loss (nats) of the averaged network, by level.

        Of level 1 by share masked with each of `VARIANTS`, and as on stage (*live*); of the finer
        levels with everything told and without the context.
        """
        network = self.averaged.eval()
        figures: dict[str, float] = {}

        def add(name: str, value: float) -> None:
            figures[name] = figures.get(name, 0.0) + value / batches

        for batch, live in zip(
            self._drawn(songs, batches), self._drawn(songs, batches, live=True), strict=True
        ):
            every = sources_of(network, batch)
            for rate in (1.0, 0.9, 0.7):
                for variant in VARIANTS:
                    sources = vary_sources(every, variant)
                    loss = self._loss(network, batch, sources, 0, rate)
                    add(f"level_1_masked_{rate:.0%}_{variant}", loss)
            add("level_1_live", self._loss(network, live, sources_of(network, live), 0, 1.0))
            for level in range(1, network.config.levels):
                for variant in ("right", "dropped"):
                    sources = vary_sources(every, variant)
                    loss = self._loss(network, batch, sources, level, 1.0)
                    add(f"level_{level + 1}_masked_100%_{variant}", loss)
        return figures

    def _drawn(self, songs: list[EncodedSong], batches: int, live: bool = False) -> list[PairBatch]:
        frames = min(self.network.config.frames, min(song.frames for song in songs))
        return [draw_batch(songs, 12, frames, 10_007, index, live) for index in range(batches)]

    def _loss(
        self, network: StemNetwork, batch: PairBatch, sources: Sources, level: int, rate: float
    ) -> float:
        """Cross-entropy of one level with a share of it masked."""
        size = len(batch.instrument)
        rates, generator = torch.full((size,), rate), torch.Generator().manual_seed(3)
        levels = torch.full((size,), level)
        to = self.device
        depth = network.config.fine == "depth"
        if depth:
            target, masked = mask_frames(batch.target, rates, batch.prefix, generator)
        else:
            target, masked = mask_targets(batch.target, levels, rates, batch.prefix, generator)
        truth, where = batch.target.to(to), masked.to(to)
        with autocast(to):
            hidden = self._hidden(network, sources, target, batch.prefix)
            if not depth:
                return float(token_loss(network, hidden, truth, where, levels.to(to))[0])
            every = torch.full((int(where.sum()),), level > 0, device=to)
            _, figures = depth_loss(network, hidden, truth, where, every, 1.0)
        return figures[f"level_{level + 1}"]

    def _hidden(
        self, network: StemNetwork, sources: Sources, target: Tensor, prefix: Tensor
    ) -> Tensor:
        """What a network makes of masked targets [B, Q, T] and their sources: [B, T, width]."""
        to = self.device
        conditioned = network.condition(sources.to(to))
        return network(conditioned, target.to(to), prefix.to(to) if bool(prefix.any()) else None)
