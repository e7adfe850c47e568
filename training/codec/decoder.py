"""`python -m training codec-decoder`: train a codec's decoder on; its tokens stay what they are."""

from __future__ import annotations

import hashlib
from pathlib import Path

import torch
from torch import Tensor, nn

from model.device import autocast, pick_device
from model.frame_codec import FrameCodec
from model.grid import HOP
from training.codec.discriminator import (
    Discriminators,
    fooling_loss,
    matching_loss,
    telling_loss,
)
from training.codec.losses import ToldLoss
from training.codec.run import CodecData, run_codec
from training.codec.train import evaluate, own_codec
from training.loop import learning_rate, prepare_process

WARM_UP = 100
PRESSURE = 0.5
"""How hard the discriminators pull at a decoded spectrum, against the distance's pull of 1."""


class DecoderTraining:
    """One run: its optimisers and its step."""

    def __init__(
        self,
        codec: FrameCodec,
        device: torch.device,
        steps: int,
        peak: float,
        discriminators: Discriminators | None = None,
    ):
        self.codec, self.device, self.steps, self.peak = codec, device, steps, peak
        self.discriminators = discriminators
        codec.requires_grad_(False)
        parts = [codec.decoder_in, codec.decoder, codec.decoder_norm, codec.head]
        self.trained = nn.ModuleList([part for part in parts if part is not None])
        self.loss = ToldLoss(codec).to(device)
        self.trained.requires_grad_(True)
        betas = (0.8, 0.99)
        self.optimizers: list[torch.optim.Optimizer] = [
            torch.optim.AdamW(self.trained.parameters(), peak, betas=betas, weight_decay=1e-3)
        ]
        if discriminators is not None:
            self.optimizers.append(
                torch.optim.AdamW(discriminators.parameters(), peak, betas=betas, weight_decay=1e-3)
            )

    @property
    def module(self) -> nn.Module:
        """Everything that a checkpoint has to hold: what is trained."""
        return nn.ModuleList(
            [self.trained, *([self.discriminators] if self.discriminators else [])]
        )

    def step(self, step: int, audio: Tensor) -> dict[str, float]:
        """Train on a batch of audio [B, samples]."""
        audio = audio.to(self.device)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(step, self.steps, self.peak, WARM_UP)
        # In evaluation the quantiser's codebooks stay as they are.
        self.codec.eval()
        with torch.no_grad():
            true = self.codec.told_of(audio)
            tokens = self.codec.encode(audio).transpose(0, 1)
            quantized = self.codec.quantizer.decode(tokens).transpose(1, 2)
        with autocast(self.device):
            told = self.codec.told_by(quantized)
        distance = torch.stack(list(self.loss(told, true).values())).sum()
        outputs = [told.spectra, told.attack] if told.attack.shape[-1] else [told.spectra]
        pulls = list(torch.autograd.grad(distance, outputs, retain_graph=True))
        figures = {"loss": float(distance.detach())}
        if self.discriminators is not None:
            figures |= self._tell(self.discriminators, told.spectra.detach(), true.spectra)
            pulls[0] = pulls[0] + self._adversarial_pull(
                self.discriminators, told.spectra, true.spectra, pulls[0]
            )
        self.optimizers[0].zero_grad(set_to_none=True)
        torch.autograd.backward(outputs, pulls)
        norm = nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            self.optimizers[0].step()
        return figures

    def _tell(self, judges: Discriminators, decoded: Tensor, original: Tensor) -> dict[str, float]:
        """Train the discriminators on spectra [B, T, points]."""
        judges.requires_grad_(True)
        with autocast(self.device):
            loss = telling_loss(judges(decoded), judges(original))
        self.optimizers[1].zero_grad(set_to_none=True)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(judges.parameters(), 1.0)
        if norm.isfinite():
            self.optimizers[1].step()
        return {"telling": float(loss.detach())}

    def _adversarial_pull(
        self, judges: Discriminators, decoded: Tensor, original: Tensor, pull: Tensor
    ) -> Tensor:
        """Where the discriminators pull the spectra [B, T, points]: a gradient of the same shape.

        Its size is a share of the distance's own gradient, so that neither drowns the other
        (after the adaptive weight of Esser et al., arXiv 2012.09841, equation 7).
        """
        judges.requires_grad_(False)
        free = decoded.detach().requires_grad_()
        with autocast(self.device):
            ours, true = judges(free), judges(original)
            loss = fooling_loss(ours) + matching_loss(ours, true)
        (adversarial,) = torch.autograd.grad(loss, free)
        return PRESSURE * adversarial * (pull.norm() / adversarial.norm().clamp(min=1e-12))


def train_decoder(
    start: Path,
    band: Path,
    out: Path,
    music: list[Path],
    steps: int,
    adversarial: bool = False,
    batch: int = 8,
    crop_frames: int = 64,
    seed: int = 1,
    peak: float = 4e-4,
    device: str = "auto",
    threads: int = 0,
) -> Path:
    """Train the decoder of `start` on, or go on from `out/run.safetensors`; returns the weights.

    Encoder, quantiser and codebooks are not touched: a network that speaks the codec's tokens
    fits as before.

    Args:
        start: weights of the codec.
        band, music: as in `train.train_codec`.
        adversarial: train against discriminators as well.
        batch: crops a step, each `crop_frames` frames long.
        threads: processor threads, 0 for all.

    Raises:
        TrainingError: `start` is no codec of ours.
        Stopped: it was interrupted.
    """
    prepare_process(threads)
    where = pick_device(device)
    torch.manual_seed(seed)
    codec = own_codec(start).eval().to(where)
    judges = Discriminators().to(where) if adversarial else None
    training = DecoderTraining(codec, where, steps, peak, judges)
    data = CodecData(band, tuple(music), batch, crop_frames * HOP, seed)
    settings = {
        "crop_frames": crop_frames,
        "start": hashlib.sha256(start.read_bytes()).hexdigest()[:16],
        "adversarial": adversarial,
    }
    return run_codec(training, data, out, settings, evaluate)
