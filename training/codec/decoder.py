"""`python -m training codec-decoder`: train a codec's decoder on; its tokens stay what they are."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor, nn

from model.checkpoint import load_grid_codec
from model.device import autocast, pick_device
from model.frame_codec import FrameCodec
from training.codec.discriminator import (
    Discriminators,
    fooling_loss,
    matching_loss,
    telling_loss,
)
from training.codec.losses import decoder_loss
from training.codec.run import CodecData, run_codec
from training.codec.train import evaluate
from training.errors import TrainingError
from training.loop import learning_rate, prepare_process

DECODER_FLOOR = -14.0
"""Log-magnitude that stands for digital silence: a window of it is below the floor of the reported
figure."""
WARM_UP = 100
PRESSURE = 0.5
"""How hard the discriminators pull at a decoded spectrum, against the distance's pull of 1."""


def with_floor(codec: FrameCodec, floor: float = DECODER_FLOOR) -> FrameCodec:
    """The same codec whose decoder may go down to a log-magnitude of `floor`."""
    lower = FrameCodec(replace(codec.config, decoder_floor=floor))
    lower.load_state_dict(codec.state_dict())
    return lower.eval()


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
        self.trained = nn.ModuleList([codec.decoder, codec.decoder_norm, codec.head])
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
            original = self.codec.spectrum_of(audio).flatten(1, 2)
            tokens = self.codec.encode(audio).transpose(0, 1)
            quantized = self.codec.quantizer.decode(tokens).transpose(1, 2)
        with autocast(self.device):
            decoded = self.codec.log_magnitudes(quantized)
        distance = decoder_loss(decoded, original)
        (pull,) = torch.autograd.grad(distance, decoded, retain_graph=True)
        figures = {"loss": float(distance.detach())}
        if self.discriminators is not None:
            figures |= self._tell(self.discriminators, decoded.detach(), original)
            pull = pull + self._adversarial_pull(self.discriminators, decoded, original, pull)
        self.optimizers[0].zero_grad(set_to_none=True)
        decoded.backward(pull)
        norm = nn.utils.clip_grad_norm_(self.trained.parameters(), 1.0)
        if norm.isfinite():  # one bad step must not spoil the run and its checkpoint
            self.optimizers[0].step()
        return figures

    def _tell(self, judges: Discriminators, decoded: Tensor, original: Tensor) -> dict[str, float]:
        """Train the discriminators on spectra [B, T, bins]."""
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
        """Where the discriminators pull the spectra [B, T, bins]: a gradient of the same shape.

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
        start: weights of the codec; its encoder hears what it heard, its decoder goes down to
            `DECODER_FLOOR`.
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
    loaded = load_grid_codec(start)
    if not isinstance(loaded, FrameCodec):
        raise TrainingError(
            f"{start} holds an Encodec; valid: weights of `python -m training codec`"
        )
    torch.manual_seed(seed)
    codec = with_floor(loaded).to(where)
    judges = Discriminators().to(where) if adversarial else None
    training = DecoderTraining(codec, where, steps, peak, judges)
    data = CodecData(band, tuple(music), batch, crop_frames, seed)
    settings = {
        "start": hashlib.sha256(start.read_bytes()).hexdigest()[:16],
        "adversarial": adversarial,
    }
    return run_codec(training, data, out, settings, evaluate)
