"""The bundled codec: encoder and decoder that work at frame rate, an RVQ between them.

Departures from the paper, which uses the 32 kHz Encodec: ConvNeXt blocks at 50 frames/s and an
inverse-STFT head (after Vocos, arXiv 2306.00814) in place of strided convolutions at audio rate,
so that one laptop core runs it far faster than real time. Same interface: 32 kHz mono, 50
frames/s, 4 levels of 2048. The quantiser is `encodec`'s own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model import grid
from model.encodec_library import import_encodec


@dataclass(frozen=True, slots=True)
class FrameCodecConfig:
    """Sizes of the bundled codec; stored beside its weights."""

    width: int = 384
    encoder_blocks: int = 5
    decoder_blocks: int = 8
    code_width: int = 16
    """Width of the codebooks; low, so that all entries come into use."""
    analysis_fft: int = 2560
    synthesis_fft: int = 2560
    """Inverse-STFT size; its hop is a quarter, so a frame makes 2560 / synthesis_fft spectra."""
    phase_bins: int = 160
    """Low analysis bins whose phase the encoder sees (160 bins = 2 kHz)."""
    envelope_bins: int = 8
    """Energies inside a frame that the encoder sees, for sharp onsets."""
    levels: int = grid.LEVELS
    vocabulary: int = grid.VOCABULARY


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer mix of the channels, as a residual."""

    def __init__(self, width: int, kernel: int = 7):
        super().__init__()
        self.over_time = nn.Conv1d(width, width, kernel, padding=kernel // 2, groups=width)
        self.norm = nn.LayerNorm(width)
        self.up = nn.Linear(width, 3 * width)
        self.down = nn.Linear(3 * width, width)
        self.scale = nn.Parameter(torch.full((width,), 0.1))

    def forward(self, x: Tensor) -> Tensor:
        """[B, T, width] -> the same shape."""
        y = self.over_time(x.transpose(1, 2)).transpose(1, 2)
        return x + self.down(functional.gelu(self.up(self.norm(y)))) * self.scale


class FrameCodec(nn.Module):
    """Mono audio at 32 kHz <-> 4 levels of 2048 tokens at 50 frames/s (`model.codec.Codec`)."""

    window: Tensor
    synthesis_window: Tensor

    sample_rate = grid.SAMPLE_RATE
    frame_rate = grid.FRAME_RATE

    def __init__(self, config: FrameCodecConfig | None = None):
        super().__init__()
        self.config = config = config or FrameCodecConfig()
        self.levels, self.vocabulary = config.levels, config.vocabulary
        width = config.width
        features = config.analysis_fft // 2 + 1 + 2 * config.phase_bins + config.envelope_bins
        self.register_buffer("window", torch.hann_window(config.analysis_fft), persistent=False)
        self.register_buffer(
            "synthesis_window", torch.hann_window(config.synthesis_fft), persistent=False
        )
        self.encoder_in = nn.Conv1d(features, width, 3, padding=1)
        self.encoder = nn.Sequential(*[ConvNeXtBlock(width) for _ in range(config.encoder_blocks)])
        self.encoder_norm = nn.LayerNorm(width)
        self.quantizer = import_encodec("quantization.core_vq").ResidualVectorQuantization(
            num_quantizers=config.levels,
            dim=width,
            codebook_size=config.vocabulary,
            codebook_dim=config.code_width,
            kmeans_init=False,
            threshold_ema_dead_code=0,  # the training loop revives dead codes itself
        )
        self.decoder_in = nn.Conv1d(width, width, 7, padding=3)
        self.decoder = nn.Sequential(*[ConvNeXtBlock(width) for _ in range(config.decoder_blocks)])
        self.decoder_norm = nn.LayerNorm(width)
        self.spectra_per_frame = grid.HOP // (config.synthesis_fft // 4)
        bins = config.synthesis_fft // 2 + 1
        self.head = nn.Linear(width, 2 * bins * self.spectra_per_frame)

    # -- the Codec protocol ------------------------------------------------------------------

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, samples], -1..1 -> tokens [B, levels, ceil(samples / 640)], int64."""
        latent = self.latent(audio).float()
        return self.quantizer.encode(latent.transpose(1, 2)).transpose(0, 1)

    @torch.no_grad()
    def decode(self, tokens: Tensor) -> Tensor:
        """Tokens [B, levels, frames], 0..2047 -> audio [B, frames * 640], float32."""
        quantized = self.quantizer.decode(tokens.transpose(0, 1)).transpose(1, 2)
        return self.synthesis(quantized)

    @torch.no_grad()
    def codebooks(self) -> Tensor:
        """The entries of every level: [levels, vocabulary, code_width], float32."""
        return torch.stack([layer.codebook.float() for layer in self.quantizer.layers])

    # -- its two halves, which training runs with gradients ----------------------------------

    def latent(self, audio: Tensor) -> Tensor:
        """Audio [B, samples] -> continuous frames [B, T, width] before the quantiser."""
        hidden = self.encoder_in(self._features(audio.float())).transpose(1, 2)
        return self.encoder_norm(self.encoder(hidden))

    def synthesis(self, latent: Tensor) -> Tensor:
        """Quantised frames [B, T, width] -> audio [B, T * 640], float32."""
        hidden = self.decoder_in(latent.transpose(1, 2)).transpose(1, 2)
        spectra = self.head(self.decoder_norm(self.decoder(hidden))).float()
        batch, frames = spectra.shape[:2]
        spectra = spectra.view(batch, frames * self.spectra_per_frame, -1)
        log_magnitude, phase = spectra.chunk(2, -1)
        magnitude = torch.exp(log_magnitude.clamp(max=6.0))
        spectrum = torch.complex(magnitude * torch.cos(phase), magnitude * torch.sin(phase))
        return self._overlap_add(spectrum)

    def _features(self, audio: Tensor) -> Tensor:
        """Audio [B, samples] -> [B, features, T]: log spectrum, low phases, inner envelope."""
        samples = audio.shape[-1]
        frames = grid.frames_of(samples)
        edge = (self.config.analysis_fft - grid.HOP) // 2
        padded = functional.pad(audio, (edge, edge + frames * grid.HOP - samples))
        spectrum = torch.stft(
            padded,
            self.config.analysis_fft,
            grid.HOP,
            window=self.window,
            center=False,
            return_complex=True,
        )
        power = spectrum.real.square() + spectrum.imag.square()
        low = spectrum[:, : self.config.phase_bins]
        norm = power[:, : self.config.phase_bins].sqrt() + 1e-3
        inner = padded[:, edge : edge + frames * grid.HOP]
        inner = inner.view(audio.shape[0], frames, self.config.envelope_bins, -1)
        envelope = (inner.square().mean(-1) + 1e-8).log().transpose(1, 2)
        log_spectrum = (power + 1e-6).log()
        return torch.cat([0.5 * log_spectrum, low.real / norm, low.imag / norm, 0.5 * envelope], 1)

    def _overlap_add(self, spectrum: Tensor) -> Tensor:
        """Complex spectra [B, S, bins] -> audio [B, S * hop], windows divided out."""
        size = self.config.synthesis_fft
        hop, count = size // 4, spectrum.shape[1]
        window = self.synthesis_window
        frames = torch.fft.irfft(spectrum, size, dim=-1) * window
        length = (count + 3) * hop
        # Four shifted sums stand for the overlap-add: each quarter of a window lands one hop later.
        quarters = frames.view(frames.shape[0], count, 4, hop).unbind(2)
        audio = sum(
            functional.pad(quarters[part].flatten(1), (part * hop, (3 - part) * hop))
            for part in range(4)
        )
        weight = window.square().view(4, hop)
        envelope = sum(
            functional.pad(weight[part].repeat(count), (part * hop, (3 - part) * hop))
            for part in range(4)
        )
        edge = (size - hop) // 2
        assert isinstance(audio, Tensor) and isinstance(envelope, Tensor)
        audio = audio / envelope.clamp(min=1e-3)
        return audio[:, edge : length - edge]


def parameter_count(module: nn.Module) -> int:
    """Trainable numbers in a module."""
    return sum(math.prod(parameter.shape) for parameter in module.parameters())
