"""`python -m training codec`: train the bundled codec."""

from __future__ import annotations

import math
import random
from pathlib import Path

import torch
from torch import Tensor

from model.device import autocast, pick_device
from model.frame_codec import FrameCodec, FrameCodecConfig
from training.codec.losses import log_mel_distance, magnitude_loss
from training.codec.run import CodecData, run_codec
from training.evaluation.fit import chroma_cosine
from training.loop import learning_rate, prepare_process, step_seed


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


class CodecTraining:
    """One run: its optimiser and its step."""

    def __init__(self, codec: FrameCodec, device: torch.device, steps: int, seed: int, peak: float):
        self.codec, self.device, self.steps, self.seed, self.peak = codec, device, steps, seed, peak
        self.optimizer = torch.optim.AdamW(
            codec.parameters(), peak, betas=(0.8, 0.99), weight_decay=1e-3
        )

    @property
    def module(self) -> FrameCodec:
        """Everything that a checkpoint has to hold."""
        return self.codec

    @property
    def optimizers(self) -> list[torch.optim.Optimizer]:
        """Those whose moments it has to hold as well."""
        return [self.optimizer]

    def step(self, step: int, audio: Tensor) -> dict[str, float]:
        """Train on a batch of audio [B, samples]."""
        rng = random.Random(step_seed(self.seed, step))
        torch.manual_seed(step_seed(self.seed, step))
        audio = audio.to(self.device)
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(step, self.steps, self.peak, 300)
        # Fewer levels now and then, so that the coarse ones carry what matters most.
        levels = rng.choice([1, 2, 3]) if rng.random() < 0.25 else self.codec.levels
        self.codec.train()
        if step == 0:  # the codebooks start on what the encoder gives
            revive_dead_codes(self.codec, self.codec.latent(audio), threshold=math.inf)
        with autocast(self.device):
            latent = self.codec.latent(audio)
            quantized, _, commitment = self.codec.quantizer(latent.float().transpose(1, 2), levels)
            decoded = self.codec.log_magnitudes(quantized.transpose(1, 2))
        distance = magnitude_loss(decoded, self.codec.spectrum_of(audio).flatten(1, 2))
        loss = distance + 0.25 * commitment.mean()
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(self.codec.parameters(), 1.0)
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            self.optimizer.step()
        if step % 10 == 0 and step < 0.8 * self.steps:
            revive_dead_codes(self.codec, latent.detach())
        used = [float((q._codebook.cluster_size > 0.05).sum()) for q in self.codec.quantizer.layers]
        return {
            "loss": float(loss.detach()),
            "commitment": float(commitment.detach().mean()),
            **{f"codes_used_{level + 1}": count for level, count in enumerate(used)},
        }


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
    batch: int = 16,
    crop_frames: int = 64,
    seed: int = 1,
    peak: float = 8e-4,
    device: str = "auto",
    threads: int = 0,
    config: FrameCodecConfig | None = None,
) -> Path:
    """Train from scratch or from `out/run.safetensors`; returns the weights file it wrote.

    Args:
        band: a band set; its `train` songs are trained on, `valid` songs measured.
        music: folders of other recordings, a third of the crops where given.
        batch: crops a step, each `crop_frames` frames long.
        threads: processor threads, 0 for all.

    Raises:
        Stopped: it was interrupted.
    """
    prepare_process(threads)
    where = pick_device(device)
    torch.manual_seed(seed)
    codec = FrameCodec(config or FrameCodecConfig()).to(where)
    training = CodecTraining(codec, where, steps, seed, peak)
    data = CodecData(band, tuple(music), batch, crop_frames, seed)
    return run_codec(training, data, out, {}, evaluate)
