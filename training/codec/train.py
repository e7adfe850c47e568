"""`python -m training codec`: train the bundled codec."""

from __future__ import annotations

import math
import random
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.attack import Attack
from model.checkpoint import fingerprint, load_grid_codec
from model.device import autocast, pick_device
from model.frame_codec import FrameCodec, FrameCodecConfig
from model.grid import HOP
from model.pitch import PITCHES, pitches
from training.codec.augment import samples_needed, varied
from training.codec.losses import ToldLoss, log_mel_distance
from training.codec.run import CodecData, run_codec
from training.errors import TrainingError
from training.evaluation.fit import chroma_cosine
from training.loop import held_rate, prepare_process, step_seed

CONFIG = FrameCodecConfig(
    encoder_blocks=8, decoder_width=448, single_bins=480, attack=True, decoder_floor=-14.0
)
PEAK, GOING_ON = 1e-3, 3e-4
"""Rates that weights are trained with afresh, and from weights that have learnt already."""
MUON_RATE = 2.0
"""Muon's rate, against AdamW's."""
HOLD = 0.7
"""Share of the steps at the peak rate."""
QUIET_SHARE, QUIET_FROM, QUIET_ALL = 0.2, 0.5, 0.7
"""How much the terms that hear level weigh at first, and between which shares of the run they
rise: at full weight from the start they drown the notes (bins .60, not .47, after 1,100 steps)."""


@torch.no_grad()
def revive_dead_codes(codec: FrameCodec, latent: Tensor, threshold: float = 0.02) -> None:
    """Move codebook entries that are hardly used any more onto vectors of this batch.

    `encodec`'s own expiry sets the entry but not its running average, which brings the dead
    entry back in the same step; here all three change together.

    Args:
        latent: [B, T, width], what the quantiser was given.
        threshold: uses a step (running mean) below which an entry counts as dead.
    """
    residual = latent.float()
    for layer in codec.quantizer.layers:
        book = layer._codebook
        vectors = layer.project_in(residual).flatten(0, 1)
        dead = book.cluster_size < threshold
        count = int(dead.sum())
        if count:
            chosen = vectors[torch.randint(len(vectors), (count,))]
            book.embed[dead] = chosen
            book.embed_avg[dead] = chosen
            book.cluster_size[dead] = 1.0
        nearest = layer.encode(residual.transpose(1, 2))
        residual = residual - layer.decode(nearest).transpose(1, 2)


class PitchHead(nn.Module):
    """Tells pitches and beginnings from level 1's entry alone, so that the coarse token knows them.

    Training needs it, decoding does not: it is in no weights file.
    """

    def __init__(self, code_width: int):
        super().__init__()
        self.layers = nn.Sequential(
            nn.Linear(code_width, 256), nn.GELU(), nn.Linear(256, PITCHES + 1)
        )

    def forward(self, entries: Tensor) -> Tensor:
        """Entries of level 1 [B, T, code_width] -> [B, T, PITCHES + 1]; the last says begins."""
        told: Tensor = self.layers(entries)
        return told

    @staticmethod
    def target(audio: Tensor, levels: Tensor) -> Tensor:
        """What it should tell of audio [B, samples] with `Attack` levels [B, T, n]: near 0..3."""
        loudness = levels.mean(-1)
        rise = loudness - functional.pad(loudness, (1, 0))[:, :-1]
        return torch.cat([pitches(audio).clamp(min=0) / 2, rise.clamp(0, 2)[..., None]], -1)


class CodecTraining:
    """One run: its optimisers and its step."""

    def __init__(
        self,
        codec: FrameCodec,
        device: torch.device,
        steps: int,
        seed: int,
        peak: float,
        crop_frames: int,
        fresh: bool = True,
    ):
        self.codec, self.device, self.steps, self.seed, self.peak = codec, device, steps, seed, peak
        self.crop_samples, self.fresh = crop_frames * HOP, fresh
        self.head = PitchHead(codec.config.code_width).to(device)
        self.levels = Attack().to(device)
        self.loss = ToldLoss(codec).to(device)
        # Muon (Jordan, 2024) for the matrices of the blocks: at equal time it brought the bins to
        # .53 where AdamW alone brought them to .61.
        blocks = [*codec.encoder.modules(), *codec.decoder.modules()]
        matrices = [m.weight for m in blocks if isinstance(m, nn.Linear)]
        chosen = {id(matrix) for matrix in matrices}
        others = [p for p in self.module.parameters() if id(p) not in chosen]
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(others, peak, betas=(0.8, 0.99), weight_decay=1e-3),
            torch.optim.Muon(
                matrices, MUON_RATE * peak, weight_decay=1e-2, adjust_lr_fn="match_rms_adamw"
            ),
        ]

    @property
    def module(self) -> nn.Module:
        """Everything that a checkpoint has to hold."""
        return nn.ModuleList([self.codec, self.head])

    def step(self, step: int, audio: Tensor) -> dict[str, float]:
        """Train on a batch of audio [B, n], as long as `samples_needed` of a crop says."""
        rng = random.Random(step_seed(self.seed, step))
        torch.manual_seed(step_seed(self.seed, step))
        generator = torch.Generator().manual_seed(step_seed(self.seed, step))
        audio = varied(audio.to(self.device), self.crop_samples, generator)
        for optimizer, ratio in zip(self.optimizers, (1.0, MUON_RATE), strict=True):
            for group in optimizer.param_groups:
                group["lr"] = held_rate(step, self.steps, ratio * self.peak, 300, HOLD)
        # Fewer levels now and then, so that the coarse ones carry what matters most.
        levels = rng.choice([1, 2, 3]) if rng.random() < 0.3 else self.codec.levels
        self.codec.train()
        if step == 0 and self.fresh:  # the codebooks start on what the encoder gives
            revive_dead_codes(self.codec, self.codec.latent(audio), threshold=math.inf)
        with autocast(self.device):
            latent = self.codec.latent(audio)
        with torch.autocast(self.device.type, enabled=False):
            latent = latent.float()
            first = self._first_entries(latent)
            quantized, _, commitment = self.codec.quantizer(latent.transpose(1, 2), levels)
        with autocast(self.device):
            told = self.codec.told_by(quantized.transpose(1, 2))
        with torch.no_grad():
            true = self.codec.told_of(audio)
            known = self.head.target(audio, self.levels(audio))
        terms = self.loss(told, true, self._quiet(step))
        terms["notes"] = 0.3 * (self.head(first) - known).square().mean()
        terms["commitment"] = 0.25 * commitment.mean()
        loss = torch.stack(list(terms.values())).sum()
        for optimizer in self.optimizers:
            optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.module.parameters(), 1.0)
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            for optimizer in self.optimizers:
                optimizer.step()
        if step % 10 == 0 and step < 0.8 * self.steps:
            revive_dead_codes(self.codec, latent.detach())
        used = [float((q._codebook.cluster_size > 0.05).sum()) for q in self.codec.quantizer.layers]
        return {
            "loss": float(loss.detach()),
            **{name: float(term.detach()) for name, term in terms.items()},
            **{f"codes_used_{level + 1}": count for level, count in enumerate(used)},
        }

    def _first_entries(self, latent: Tensor) -> Tensor:
        """Level 1's entries for frames [B, T, width], with the encoder's gradient."""
        layer = self.codec.quantizer.layers[0]
        vectors = layer.project_in(latent)
        entries = layer._codebook.decode(layer._codebook.encode(vectors))
        return vectors + (entries - vectors).detach()

    def _quiet(self, step: int) -> float:
        """Share of the terms that hear level and quiet sounds: low at first, all of it at last."""
        risen = (step / self.steps - QUIET_FROM) / (QUIET_ALL - QUIET_FROM)
        return QUIET_SHARE + (1 - QUIET_SHARE) * min(1.0, max(0.0, risen))


@torch.no_grad()
def evaluate(codec: FrameCodec, device: torch.device, crops: list[Tensor]) -> dict[str, float]:
    """Mean log-mel distance (dB) and chroma cosine over crops [samples], by levels kept."""
    codec.eval()
    figures: dict[str, float] = {}
    for levels in (1, codec.levels):
        distances, pitches = [], []
        for crop in crops:
            tokens = codec.encode(crop[None].to(device))[:, :levels]
            decoded = codec.decode(tokens)
            distances.append(log_mel_distance(decoded, crop[None]))
            pitches.append(chroma_cosine(decoded[0].numpy(), crop.numpy()))
        figures[f"log_mel_db_levels_{levels}"] = sum(distances) / len(distances)
        figures[f"chroma_levels_{levels}"] = sum(pitches) / len(pitches)
    return figures


def train_codec(
    band: Path,
    out: Path,
    music: list[Path],
    steps: int,
    start: Path | None = None,
    batch: int = 16,
    crop_frames: int = 64,
    seed: int = 1,
    peak: float | None = None,
    device: str = "auto",
    threads: int = 0,
    config: FrameCodecConfig = CONFIG,
) -> Path:
    """Train from `out/run.safetensors`, from `start`, or afresh; returns the weights it wrote.

    Args:
        band: a band set; its `train` songs are trained on, `valid` songs measured.
        music: folders of other recordings, a third of the crops where given.
        start: weights to go on from; `config` is theirs then.
        batch: crops a step, each `crop_frames` frames long.
        peak: highest rate; None: `PEAK`, or `GOING_ON` from `start`.
        threads: processor threads, 0 for all.

    Raises:
        Stopped: it was interrupted.
        TrainingError: `start` is no codec of ours.
    """
    prepare_process(threads)
    where = pick_device(device)
    torch.manual_seed(seed)
    codec = FrameCodec(config) if start is None else own_codec(start)
    if peak is None:
        peak = PEAK if start is None else GOING_ON
    training = CodecTraining(codec.to(where), where, steps, seed, peak, crop_frames, start is None)
    data = CodecData(band, tuple(music), batch, samples_needed(training.crop_samples), seed)
    settings: dict[str, Any] = {"crop_frames": crop_frames}
    if start is not None:
        settings["start"] = fingerprint(codec)
    return run_codec(training, data, out, settings, evaluate)


def own_codec(path: Path) -> FrameCodec:
    """A codec from its weights, to train on.

    Raises:
        TrainingError: it is an Encodec.
    """
    codec = load_grid_codec(path)
    if not isinstance(codec, FrameCodec):
        raise TrainingError(
            f"{path} holds an Encodec; valid: weights of `python -m training codec`"
        )
    for layer in codec.quantizer.layers:  # averages that agree with the entries
        layer._codebook.embed_avg.copy_(layer._codebook.embed)
        layer._codebook.cluster_size.fill_(1.0)
    return codec
