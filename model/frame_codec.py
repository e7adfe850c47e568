"""The bundled codec: encoder and decoder that work at frame rate, an RVQ between them.

Departures from the paper, which uses the 32 kHz Encodec, so that one laptop core runs it far faster
than real time and a small network learns its tokens:
- ConvNeXt blocks at 50 frames/s and an inverse-STFT head (after Vocos, arXiv 2306.00814) in place
  of strided convolutions at audio rate.
- The tokens say how loud which frequency is, and nothing about phase: a held note is the same
  token again and again. Phases are made anew from the magnitudes (`model.phase`).
- Above `single_bins` several bins are told as one, since no note is told from another there; in
  return the level of a few bands is told every 5 ms (`model.attack`).
Same interface: 32 kHz mono, 50 frames/s, 4 levels of 2048. The quantiser is `encodec`'s own.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model import grid
from model.attack import POINTS as ATTACK_POINTS
from model.attack import Attack, shaped
from model.encodec_library import import_encodec
from model.phase import audio_of

LOG_FLOOR, LOG_CEILING = -7.0, 8.0
"""Range of log-magnitudes; a full-scale sine has 6.2, the floor is 115 dB below it. The encoder
hears nothing below the floor; the decoder may go further down, to its `decoder_floor`."""
LOG_SPREAD = 4.0
"""About their standard deviation: the network works on numbers near 1."""
KERNEL = 7
"""Frames that a convolution sees."""
PHASE_FRAMES = 16
"""Frames of a lead whose phases are gone on from: three windows of the bundled codec."""


@dataclass(frozen=True, slots=True)
class FrameCodecConfig:
    """Sizes of the bundled codec; stored beside its weights."""

    width: int = 384
    encoder_blocks: int = 5
    decoder_blocks: int = 8
    code_width: int = 16
    """Width of the codebooks; low, so that all entries come into use."""
    spectrum_size: int = 3072
    """Window of the spectra that are encoded and decoded, samples: it tells the partials of a
    bass's lowest notes apart, and an onset still lies within a few ms once phases are made."""
    spectrum_hop: int = 640
    """Samples from one spectrum to the next; a frame has `640 / spectrum_hop` of them."""
    pitch_size: int = 8192
    """Window of the low spectrum that the encoder sees for pitch, samples."""
    pitch_bins: int = 512
    """Its lowest bins (512 bins = 2 kHz)."""
    levels: int = grid.LEVELS
    vocabulary: int = grid.VOCABULARY
    decoder_floor: float = LOG_FLOOR
    """Lowest log-magnitude that is decoded: what comes back where there was digital silence."""
    decoder_width: int | None = None
    """Width of the decoder; None: `width`."""
    single_bins: int | None = None
    """Lowest bins of a spectrum that are told one by one; None: all of them."""
    group: int = 4
    """Bins above them that are told as one, by the mean of their power."""
    attack: bool = False
    """Whether the levels of `model.attack` are told as well."""


@dataclass(frozen=True, slots=True)
class Told:
    """What the tokens say of a sound: logarithms of magnitudes, natural."""

    spectra: Tensor
    """[B, T, spectra a frame * points]: single bins first, then groups."""
    attack: Tensor
    """[B, T, `attack.POINTS`]; [B, T, 0] from a codec without."""


class ConvNeXtBlock(nn.Module):
    """Depthwise convolution over time, then a two-layer mix of the channels, as a residual."""

    def __init__(self, width: int):
        super().__init__()
        self.over_time = nn.Conv1d(width, width, KERNEL, padding=KERNEL // 2, groups=width)
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

    sample_rate = grid.SAMPLE_RATE
    frame_rate = grid.FRAME_RATE
    window: Tensor
    pitch_window: Tensor

    def __init__(self, config: FrameCodecConfig | None = None):
        super().__init__()
        self.config = config = config or FrameCodecConfig()
        self.levels, self.vocabulary = config.levels, config.vocabulary
        self.spectra_per_frame = grid.HOP // config.spectrum_hop
        self.bins = config.spectrum_size // 2 + 1
        self.single_bins = self.bins if config.single_bins is None else config.single_bins
        self.groups = (self.bins - self.single_bins) // config.group
        width, decoder_width = config.width, config.decoder_width or config.width
        self.register_buffer("window", torch.hann_window(config.spectrum_size), persistent=False)
        self.register_buffer("pitch_window", torch.hann_window(config.pitch_size), persistent=False)
        self.attack = Attack() if config.attack else None
        told = self.spectra_per_frame * (self.single_bins + self.groups)
        told += ATTACK_POINTS if config.attack else 0
        self.encoder_in = nn.Linear(told + config.pitch_bins, width)
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
        self.decoder_in = nn.Linear(width, decoder_width) if decoder_width != width else None
        self.decoder = nn.Sequential(
            *[ConvNeXtBlock(decoder_width) for _ in range(config.decoder_blocks)]
        )
        self.decoder_norm = nn.LayerNorm(decoder_width)
        self.head = nn.Linear(decoder_width, told)

    # -- the Codec protocol ------------------------------------------------------------------

    @property
    def reach_frames(self) -> int:
        """See `Codec`: the convolutions' reach and that of the longest spectrum."""
        window = max(self.config.spectrum_size, self.config.pitch_size)
        return self.config.encoder_blocks * (KERNEL // 2) + -(-(window - grid.HOP) // 2 // grid.HOP)

    @property
    def lead_frames(self) -> int:
        """Frames before a new one that are worth decoding: the convolutions reach so far, and the
        phases need some that are known to go on from."""
        return self.config.decoder_blocks * (KERNEL // 2) + PHASE_FRAMES

    @torch.no_grad()
    def encode(self, audio: Tensor) -> Tensor:
        """Audio [B, samples], -1..1 -> tokens [B, levels, ceil(samples / 640)], int64."""
        latent = self.latent(audio).float()
        # In bfloat16 one token in seven of a bass would fall on a neighbour of the nearest entry.
        with torch.autocast(audio.device.type, enabled=False):
            return self.quantizer.encode(latent.transpose(1, 2)).transpose(0, 1)

    @torch.no_grad()
    def decode(self, tokens: Tensor, lead: Tensor | None = None) -> Tensor:
        """Tokens [B, levels, frames], 0..2047 -> audio [B, frames * 640], float32.

        `lead` [B, k * 640] is what the first k frames sounded like before: the rest goes on from
        it without a seam. What lies too far before the rest to be heard in it is not decoded
        again, but comes back as it was.
        """
        led = 0 if lead is None else lead.shape[-1] // grid.HOP
        if lead is not None and (skipped := led - self.lead_frames) > 0:
            before, near = lead.split([skipped * grid.HOP, lead.shape[-1] - skipped * grid.HOP], -1)
            return torch.cat([before.cpu().float(), self.decode(tokens[..., skipped:], near)], -1)
        with torch.autocast(tokens.device.type, enabled=False):
            quantized = self.quantizer.decode(tokens.transpose(0, 1)).transpose(1, 2)
        told = self.told_by(quantized)
        magnitudes = self._ungrouped(told.spectra).exp().cpu().numpy()
        leads = [None] * len(magnitudes) if lead is None else list(lead.cpu().numpy())
        size, hop = self.config.spectrum_size, self.config.spectrum_hop
        audio = [
            audio_of(one, size, hop, before) for one, before in zip(magnitudes, leads, strict=True)
        ]
        if self.attack is not None:
            levels = told.attack.cpu().numpy()
            audio = [shaped(one, level) for one, level in zip(audio, levels, strict=True)]
        return torch.from_numpy(np.stack(audio))

    @torch.no_grad()
    def codebooks(self) -> Tensor:
        """The entries of every level: [levels, vocabulary, code_width], float32."""
        return torch.stack([layer.codebook.float() for layer in self.quantizer.layers])

    # -- its two halves, which training runs with gradients ----------------------------------

    def latent(self, audio: Tensor) -> Tensor:
        """Audio [B, samples] -> continuous frames [B, T, width] before the quantiser."""
        audio = audio.float()
        heard = self._told_of(audio, LOG_FLOOR)
        low = self._power(audio, self.pitch_window, grid.HOP)[..., : self.config.pitch_bins]
        parts = torch.cat([heard.spectra, heard.attack, _log(low, LOG_FLOOR)], -1)
        return self.encoder_norm(self.encoder(self.encoder_in(parts / LOG_SPREAD)))

    def told_by(self, latent: Tensor) -> Told:
        """What quantised frames [B, T, width] say."""
        if self.decoder_in is not None:
            latent = self.decoder_in(latent)
        values = self.head(self.decoder_norm(self.decoder(latent))).float() * LOG_SPREAD
        spectra = self.spectra_per_frame * (self.single_bins + self.groups)
        floor = self.config.decoder_floor
        return Told(values[..., :spectra].clamp(floor, LOG_CEILING), values[..., spectra:])

    def point_hertz(self) -> Tensor:
        """Where the points of a told spectrum lie, Hz: [points]; a group lies at its middle."""
        group = self.config.group
        groups = self.single_bins + group * torch.arange(self.groups) + (group - 1) / 2
        bins = torch.cat([torch.arange(self.single_bins), groups])
        return bins * self.sample_rate / self.config.spectrum_size

    def point_bins(self) -> Tensor:
        """How many bins each point stands for: [points], float32."""
        single = torch.ones(self.single_bins)
        return torch.cat([single, torch.full((self.groups,), float(self.config.group))])

    def told_of(self, audio: Tensor) -> Told:
        """What `told_by` should say of audio [B, samples]."""
        return self._told_of(audio, self.config.decoder_floor)

    def _told_of(self, audio: Tensor, floor: float) -> Told:
        power = self._power(audio, self.window, self.config.spectrum_hop)
        single, rest = power.split([self.single_bins, self.bins - self.single_bins], -1)
        grouped = rest[..., : self.groups * self.config.group]
        grouped = grouped.unflatten(-1, (self.groups, self.config.group)).mean(-1)
        spectra = _log(torch.cat([single, grouped], -1), floor)
        spectra = spectra.reshape(len(audio), grid.frames_of(audio.shape[-1]), -1)
        if self.attack is None:
            return Told(spectra, spectra[..., :0])
        return Told(spectra, self.attack(audio))

    def _ungrouped(self, spectra: Tensor) -> Tensor:
        """Told spectra [B, T, spectra a frame * points] -> spectra [B, T * spectra, bins]."""
        spectra = spectra.reshape(len(spectra), -1, self.single_bins + self.groups)
        single, grouped = spectra.split([self.single_bins, self.groups], -1)
        spread = grouped.repeat_interleave(self.config.group, -1)
        # What is left over of the bins above the last group.
        last = spread[..., -1:].expand(
            *spread.shape[:-1], self.bins - self.single_bins - spread.shape[-1]
        )
        return torch.cat([single, spread, last], -1)

    def _power(self, audio: Tensor, window: Tensor, hop: int) -> Tensor:
        """Powers [B, T * 640 / hop, window/2+1], centred as in `phase.analyse`."""
        samples, size = audio.shape[-1], len(window)
        whole = grid.frames_of(samples) * grid.HOP
        edge = (size - hop) // 2
        padded = functional.pad(audio, (edge, size - hop - edge + whole - samples))
        spectrum = torch.stft(
            padded, size, hop, window=window, center=False, return_complex=True
        ).transpose(1, 2)
        return spectrum.real.square() + spectrum.imag.square()


def _log(power: Tensor, floor: float) -> Tensor:
    """Natural logarithm of the magnitude, which never falls below `floor`."""
    return 0.5 * (power + math.exp(2 * floor)).log()
