"""Training the StemGen network: the step and the held-out figures."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from model.device import autocast
from model.grid import LEVELS
from model.masking import mask_frames, mask_targets
from model.network import StemNetwork
from model.sources import Sources
from training.errors import TrainingError
from training.loop import Work, step_seed
from training.processes import Processes, part_of, whole
from training.stemgen.arithmetic import step_flops
from training.stemgen.hiding import Counts, Hiding, draw_hiding
from training.stemgen.losses import depth_loss, pitch_loss, token_loss
from training.stemgen.optimizers import make_optimizers
from training.stemgen.pairs import PairBatch, Share, draw_batch, draw_share
from training.stemgen.settings import StemgenSettings
from training.stemgen.shards import EncodedSong
from training.stemgen.sources import VARIANTS, sources_of, vary_sources

Figures = dict[str, float]


class _Lossy(nn.Module):
    """The network and its loss as one module: what the processes exchange gradients around."""

    def __init__(self, network: StemNetwork, loss: Callable[..., tuple[Tensor, Figures]]):
        super().__init__()
        self.network, self._loss = network, loss

    def forward(self, *part: Any) -> tuple[Tensor, Figures]:
        return self._loss(*part)


class StemgenTraining:
    """One run: the step and the held-out figures."""

    def __init__(
        self,
        network: StemNetwork,
        device: torch.device,
        settings: StemgenSettings,
        processes: Processes | None = None,
        accumulate: int = 1,
        compiled: bool = False,
    ):
        """A network on its device, ready to learn.

        Args:
            processes: those that share each step; None: this one alone.
            accumulate: parts that this process works a step off in.
            compiled: have torch compile the trunk's blocks.
        """
        self.network, self.device, self.settings = network, device, settings
        self.processes, self._accumulate = processes, accumulate
        self.average = AveragedModel(
            network, multi_avg_fn=get_ema_multi_avg_fn(settings.average), use_buffers=False
        )
        self.work = Work()
        lossy: nn.Module = _Lossy(network, self._part_loss)
        if processes is not None:
            processes.share(self.averaged, blocks_of(self.averaged))
            lossy = processes.together(processes.share(lossy, blocks_of(network)))
        self._lossy = lossy
        self.optimizers = make_optimizers(network, settings)
        if compiled:
            for block in blocks_of(network):
                block.compile()

    @property
    def state(self) -> nn.Module:
        """The network and its average, to be kept on disk together."""
        return nn.ModuleList([self.network, self.average])

    @property
    def averaged(self) -> StemNetwork:
        """The running average of the network; this process's share of it, where it is shared."""
        network = self.average.module
        assert isinstance(network, StemNetwork)
        return network

    def whole_average(self) -> StemNetwork:
        """The running average as a network that can be used; all processes have to ask."""
        if self.processes is None or not self.processes.shards:
            return self.averaged
        network = StemNetwork(self.network.config).to(self.device)
        state = self.averaged.state_dict()
        network.load_state_dict({name: whole(value) for name, value in state.items()})
        return network

    def batches(self, songs: list[EncodedSong], first: int) -> Iterator[PairBatch | Share]:
        """This process's part of the batches from a step on, drawn one ahead in a thread.

        Raises:
            TrainingError: there are fewer windows in a step than parts.
        """
        settings = self.settings
        world = 1 if self.processes is None else self.processes.world

        def draw(step: int) -> PairBatch | Share:
            short = step < settings.short_share * settings.steps
            frames = settings.short_frames if short else self.network.config.frames
            size = settings.frames_a_step // frames
            if size < world * self._accumulate:
                raise TrainingError(
                    f"a step has {size} windows; valid: one for each of "
                    f"{world * self._accumulate} parts, or fewer parts"
                )
            if self.processes is None:
                return draw_batch(songs, size, frames, settings.seed, step)
            rows = self.processes.rows(size)
            return draw_share(songs, size, frames, settings.seed, step, rows)

        with ThreadPoolExecutor(1) as pool:
            ahead = pool.submit(draw, first)
            for step in itertools.count(first + 1):
                batch = ahead.result()
                ahead = pool.submit(draw, step)
                yield batch

    def step(self, step: int, batch: PairBatch | Share) -> Figures:
        """One optimiser step on a batch, or on this process's share of one."""
        settings = self.settings
        generator = torch.Generator().manual_seed(step_seed(settings.seed + 1, step))
        for group in itertools.chain(*(o.param_groups for o in self.optimizers)):
            group["lr"] = settings.rate(step)
        self.network.train()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        share = batch if isinstance(batch, Share) else Share(batch, 0, batch.prefix)
        figures = self.learn(step, share, generator)
        norm = whole(torch.nn.utils.clip_grad_norm_(self.network.parameters(), 1.0))
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            for optimizer in self.optimizers:
                optimizer.step()
        self.average.update_parameters(self.network)
        return figures

    def learn(self, step: int, share: Share, generator: torch.Generator) -> Figures:
        """Leave the gradients of a step in the network; the loss and what it is made of."""
        config, settings = self.network.config, self.settings
        batch, prefix, frames = share.batch, share.prefix, share.batch.target.shape[-1]
        hiding = draw_hiding(prefix, frames, config.fine == "depth", settings.fine_share, generator)
        counts = hiding.counts
        parts = [part_of(len(batch.prefix), n, self._accumulate) for n in range(self._accumulate)]
        added = Counter[str]()
        for part in parts:
            rows = slice(share.first + part.start, share.first + part.stop)
            # The noise on what is heard; the whole step's for each part, which takes its rows.
            torch.manual_seed(step_seed(settings.seed + 2, step))
            self.network.part = (rows.start, len(prefix))
            added.update(
                self._backward(batch.rows(part), hiding.rows(rows), counts, part is parts[-1])
            )
        self.network.part = None
        self.work.add(len(prefix) * frames, step_flops(config, len(prefix), frames, counts))
        names = ["loss", *_named(counts, config.fine == "depth")]
        if config.context != "tokens":
            names.append("pitch_error")
        values: Sequence[float] = [added[name] for name in names]
        if self.processes is not None:
            values = self.processes.totals(values)
        return dict(zip(names, values, strict=True))

    def _backward(self, batch: PairBatch, hiding: Hiding, counts: Counts, last: bool) -> Figures:
        """Add the gradients of some windows to those that are there."""
        if self.processes is None:
            loss, figures = self._lossy(batch, hiding, counts)
            loss.backward()
        else:
            with self.processes.adding(self._lossy, last):
                loss, figures = self._lossy(batch, hiding, counts)
                # The processes take the mean of their gradients; a step is their sum.
                (loss * self.processes.world).backward()
        return {"loss": float(loss.detach()), **figures}

    def _part_loss(
        self, batch: PairBatch, hiding: Hiding, counts: Counts
    ) -> tuple[Tensor, Figures]:
        """What some windows [B, Q, T] of a step add to its loss (nats), and to it by level."""
        sources = sources_of(self.network, batch).keep(hiding.told)
        to, network = self.device, self.network
        with autocast(to):
            hidden = self._hidden(network, sources, hiding.hide(batch.target), batch.prefix)
            truth, where = batch.target.to(to), hiding.masked.to(to)
            if hiding.levels is None:
                finer = hiding.finer[hiding.masked].to(to)
                weight = self.settings.fine_weight
                loss, figures = depth_loss(network, hidden, truth, where, finer, weight, counts)
            else:
                levels = hiding.levels.to(to)
                loss, figures = token_loss(network, hidden, truth, where, levels, counts)
            if network.config.context == "tokens":
                return loss, figures
            pitches = batch.target_pitches.to(to)
            error = pitch_loss(network, hidden, pitches, where, counts.masked)
        figures["pitch_error"] = float(error.detach())
        return loss + self.settings.pitch_weight * error, figures

    @torch.no_grad()
    def evaluate(self, songs: list[EncodedSong], batches: int = 2) -> dict[str, float]:
        """Held-out loss (nats) of the averaged network, by level.

        Of level 1 by share masked with each of `VARIANTS`, and as on stage (*live*); of the finer
        levels with everything told and without the context.
        """
        network = self.whole_average().eval()
        figures: dict[str, float] = {}
        if self.processes is not None and not self.processes.writes:
            return figures

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


class WholeTraining(StemgenTraining):
    """A run whose batches are learnt from as a whole, in one process."""

    def learn(self, step: int, share: Share, generator: torch.Generator) -> Figures:
        """See `StemgenTraining`."""
        torch.manual_seed(step_seed(self.settings.seed + 2, step))
        loss, figures = self.loss(share.batch, generator)
        loss.backward()
        return {"loss": float(loss.detach()), **figures}

    def loss(self, batch: PairBatch, generator: torch.Generator) -> tuple[Tensor, Figures]:
        """The loss (nats) of windows [B, Q, T], and what it is made of."""
        raise NotImplementedError


def blocks_of(network: StemNetwork) -> list[nn.Module]:
    """The blocks of the trunk: what is compiled, and lent by other processes, one by one."""
    return list(network.trunk.blocks)


def _named(counts: Counts, depth: bool) -> list[str]:
    """The levels of which there is a figure in a step."""
    if depth:
        return ["level_1", *(f"level_{q + 1}" for q in range(1, LEVELS) if counts.finer)]
    return [f"level_{q + 1}" for q, count in enumerate(counts.levels) if count]
