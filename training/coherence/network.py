"""The coherence network: two encoders over time, compared frame by frame.

After COCOLA (Ciranni et al. 2024, arXiv 2404.16969): contrastive learning over a stem and the rest
of its mix, harmonic and percussive halves apart, bilinear similarity. Departures: the halves are
not HPSS's but what a slow semitone spectrum and the rises of a fast mel spectrum hear; there is one
embedding a frame instead of one for the whole; a learnt gate says which frames count.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from training.coherence.bands import MEL_BANDS, SEMITONES

RANGE_DB = 45.0
"""What is that far below the mean power of the window is silence to the network."""
LOWEST_BAND, HIGHEST_BAND = 6, 79
"""The semitone bands that are heard. What transposing by half an octave, as training does, brings
in from outside is silent, and would tell by how much; so nothing ever sounds there."""
FLUX_LAG = 2
"""Mel frames between the two spectra whose rise is an onset."""


@dataclass(frozen=True, slots=True)
class CoherenceConfig:
    """Sizes of the network."""

    harmonic_width: int = 24
    percussive_width: int = 80
    embedding: int = 32


@dataclass(frozen=True, slots=True)
class Embedding:
    """One side of a pair.

    Attributes:
        harmonic: [B, D, T], a frame each 80 ms; each frame's vector has the length of its gate.
        harmonic_gate: how much each frame counts, 0..1: [B, T].
        percussive: [B, E, U], a frame each 40 ms.
        percussive_gate: [B, U].
    """

    harmonic: Tensor
    harmonic_gate: Tensor
    percussive: Tensor
    percussive_gate: Tensor


def semitone_input(power: Tensor) -> Tensor:
    """Semitone powers [B, 84, T] without their level and colour: [B, 7, 12, T], octave and class.

    Log power above a floor, less its mean over the octave around each band: an equaliser or a
    drum's noise moves neighbours alike.
    """
    edges = (0, 0, LOWEST_BAND, SEMITONES - HIGHEST_BAND)
    power = functional.pad(power[:, LOWEST_BAND:HIGHEST_BAND], edges)
    mean = power.mean((1, 2), keepdim=True)
    level = torch.log10(power / (mean + 1e-10) + 10 ** (-RANGE_DB / 10)) + RANGE_DB / 10
    width = 13
    padded = functional.pad(level, (0, 0, width // 2, width // 2), mode="replicate")
    smooth = functional.avg_pool1d(padded.transpose(1, 2), width, 1).transpose(1, 2)
    return (level - smooth).unflatten(1, (SEMITONES // 12, 12))


def onset_input(power: Tensor) -> Tensor:
    """Mel powers [B, 24, U] as rises of log power, in units of their mean: [B, 24, U]."""
    mean = power.mean((1, 2), keepdim=True)
    level = torch.log10(power / (mean + 1e-10) + 10 ** (-RANGE_DB / 10)) + RANGE_DB / 10
    rise = functional.relu(level[..., FLUX_LAG:] - level[..., :-FLUX_LAG])
    rise = functional.pad(rise, (FLUX_LAG, 0))
    return rise / (rise.square().mean((1, 2), keepdim=True).sqrt() + 1e-2)


class _PitchConvolution(nn.Module):
    """Convolution around the circle of pitch classes, and over time.

    So what the network says of a chord does not depend on its key. As one matrix product over
    channels and classes at once, its weight laid out twelve times: many times quicker on a
    processor than a convolution over a plane twelve high.
    """

    def __init__(self, channels: int, width: int, kernel: int = 1):
        super().__init__()
        bound = (12 * channels * kernel) ** -0.5
        self.weight = nn.Parameter(torch.empty(width, channels, 12, kernel).uniform_(-bound, bound))
        self.bias = nn.Parameter(torch.zeros(width))

    def forward(self, x: Tensor) -> Tensor:
        """[B, C * 12, T] to [B, width * 12, T]."""
        width, channels, _, kernel = self.weight.shape
        steps = torch.arange(12, device=x.device)
        # Output class i hears input class j through the weight of the interval j - i.
        weight = self.weight[:, :, (steps[None] - steps[:, None]) % 12]  # [W, C, i, j, K]
        weight = weight.transpose(1, 2).reshape(width * 12, channels * 12, kernel)
        return functional.conv1d(x, weight, self.bias.repeat_interleave(12), padding=kernel // 2)


class _PitchBlock(nn.Module):
    """Residual: each channel over time, then all of them around the circle."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, 12 * width, affine=False)
        self.time = nn.Parameter(torch.tensor([0.3, 0.4, 0.3]).repeat(width, 1))
        self.pitch = _PitchConvolution(width, width)
        self.mix = _PitchConvolution(width, width)
        self.dilation = dilation

    def forward(self, x: Tensor) -> Tensor:
        kernel = self.time.repeat_interleave(12, 0)[:, None]
        y = functional.conv1d(
            self.norm(x), kernel, padding=self.dilation, dilation=self.dilation, groups=len(kernel)
        )
        return x + self.mix(functional.gelu(self.pitch(y)))


class HarmonicEncoder(nn.Module):
    """Which chord sounds: semitones to one vector over pitch classes a frame."""

    def __init__(self, config: CoherenceConfig):
        super().__init__()
        width = config.harmonic_width
        self.start = _PitchConvolution(SEMITONES // 12, width, 3)
        self.blocks = nn.Sequential(*(_PitchBlock(width, d) for d in (1, 2, 4)))
        self.norm = nn.GroupNorm(1, 12 * width, affine=False)
        self.heads = nn.ModuleList(_PitchConvolution(width, width // 2) for _ in range(2))
        self.gates = nn.ModuleList(nn.Conv1d(2 * width, 1, 1) for _ in range(2))

    def forward(self, power: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Embedding [B, D, T] and gate [B, T] of powers [B, 84, T]; side 0 stem, 1 context."""
        x = functional.gelu(self.start(semitone_input(power).flatten(1, 2)))
        x = self.norm(self.blocks(x))
        vector = self.heads[side](x).unflatten(1, (-1, 12))
        # What is alike in every pitch class says nothing of the chord.
        vector = (vector - vector.mean(2, keepdim=True)).flatten(1, 2)
        x = x.unflatten(1, (-1, 12))
        gate = self.gates[side](torch.cat([x.mean(2), x.amax(2)], 1))[:, 0].sigmoid()
        return functional.normalize(vector.float(), dim=1, eps=1e-3) * gate[:, None], gate


class _TimeBlock(nn.Module):
    """Residual: a dilated convolution over time."""

    def __init__(self, width: int, dilation: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, width)
        self.wide = nn.Conv1d(width, width, 3, dilation=dilation, padding=dilation)
        self.out = nn.Conv1d(width, width, 1)

    def forward(self, x: Tensor) -> Tensor:
        return x + self.out(functional.gelu(self.wide(self.norm(x))))


class PercussiveEncoder(nn.Module):
    """Where in the bar the music is: onsets to one vector a frame of 40 ms."""

    def __init__(self, config: CoherenceConfig):
        super().__init__()
        width = config.percussive_width
        self.start = nn.Conv1d(MEL_BANDS, width // 2, 5, stride=2, padding=2)
        self.second = nn.Conv1d(width // 2, width, 5, stride=2, padding=2)
        self.blocks = nn.Sequential(*(_TimeBlock(width, d) for d in (1, 2, 4, 8, 16, 24)))
        self.norm = nn.GroupNorm(1, width)
        self.heads = nn.ModuleList(nn.Conv1d(width, config.embedding, 1) for _ in range(2))
        self.gates = nn.ModuleList(nn.Conv1d(width, 1, 1) for _ in range(2))

    def forward(self, power: Tensor, side: int) -> tuple[Tensor, Tensor]:
        """Embedding [B, E, U/4] and gate [B, U/4] of powers [B, 24, U]; side as above."""
        x = functional.gelu(self.start(onset_input(power)))
        x = self.norm(self.blocks(functional.gelu(self.second(x))))
        gate = self.gates[side](x)[:, 0].sigmoid()
        vector = self.heads[side](x)
        return functional.normalize(vector.float(), dim=1, eps=1e-3) * gate[:, None], gate


class CoherenceNetwork(nn.Module):
    """Log-odds that a stem belongs to a context."""

    def __init__(self, config: CoherenceConfig):
        super().__init__()
        self.config = config
        self.harmonic = HarmonicEncoder(config)
        self.percussive = PercussiveEncoder(config)
        self.scale = nn.Parameter(torch.full((4,), 3.0))
        self.offset = nn.Parameter(torch.zeros(3))

    def embed(self, semitones: Tensor, mel: Tensor, side: int) -> Embedding:
        """Embed one side: powers [B, 84, T] and [B, 24, U]; side 0 is the stem, 1 the context."""
        return Embedding(*self.harmonic(semitones, side), *self.percussive(mel, side))

    def logits(self, stems: Embedding, contexts: Embedding) -> Tensor:
        """Log-odds of every stem [S] with every context [C]: [3, C, S].

        Harmonic half, percussive half, and both together: a weighted sum, in which a half with
        nothing to hear (a drum stem has no chord) says nothing either way.
        """
        harmonic = _similarity(
            stems.harmonic, stems.harmonic_gate, contexts.harmonic, contexts.harmonic_gate
        )
        percussive = _similarity(
            stems.percussive, stems.percussive_gate, contexts.percussive, contexts.percussive_gate
        )
        scale = self.scale.exp()
        both = scale[2] * harmonic + scale[3] * percussive
        halves = torch.stack([scale[0] * harmonic, scale[1] * percussive, both])
        return halves + self.offset[:, None, None]


def _similarity(stem: Tensor, stem_gate: Tensor, context: Tensor, context_gate: Tensor) -> Tensor:
    """Mean cosine over the frames that count, of every pair: [C, S]."""
    total = torch.einsum("cdt,sdt->cs", context, stem)
    weight = torch.einsum("ct,st->cs", context_gate, stem_gate)
    return total / (weight + 0.02 * stem.shape[-1])
