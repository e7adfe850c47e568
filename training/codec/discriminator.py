"""Discriminators that tell the spectra of a decoder from those of recordings.

Adversarial training with several resolutions, hinge loss and feature matching, as codecs have it
since SoundStream (Zeghidour et al., arXiv 2107.03312) and Encodec (Défossez et al., arXiv
2210.13438). A departure from both: theirs see complex spectra, or samples, of the decoded waveform.
Our decoder gives log-magnitudes, and phases are made afterwards without a gradient (`model.phase`),
so these see log-magnitudes only: single points in two ranges, and the whole range in bands of
several points, which shows them more of it and of time.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.frame_codec import LOG_FLOOR, LOG_SPREAD


@dataclass(frozen=True, slots=True)
class View:
    """What one discriminator sees of a spectrum of the codec."""

    first: float
    last: float
    """Range of the spectrum's points, as shares of them, 0..1."""
    pooled: int
    """Points whose mean is seen as one."""


VIEWS = (View(0.0, 0.645, 1), View(0.645, 1.0, 1), View(0.0, 1.0, 6))
"""Single bins up to 5 kHz, where partials are; groups, where cymbals are; everything, pooled."""
WIDTH = 24


class SpectrumDiscriminator(nn.Module):
    """Convolutions over time and frequency of one view of a spectrum."""

    def __init__(self, view: View, width: int = WIDTH):
        super().__init__()
        self.view = view
        shapes = [(1, width, (3, 9), (1, 4)), (width, width, (3, 7), (1, 3))]
        shapes += [(width, 2 * width, (3, 5), (2, 2)), (2 * width, 2 * width, (3, 3), (1, 2))]
        self.layers = nn.ModuleList(
            nn.utils.parametrizations.weight_norm(
                nn.Conv2d(inner, outer, kernel, stride, (kernel[0] // 2, kernel[1] // 2))
            )
            for inner, outer, kernel, stride in shapes
        )
        self.verdict = nn.utils.parametrizations.weight_norm(
            nn.Conv2d(2 * width, 1, (3, 3), padding=1)
        )

    def forward(self, spectra: Tensor) -> list[Tensor]:
        """Natural log-magnitudes [B, T, points] -> features [B, C, T/2, F], the verdicts last.

        A verdict above 0 says recorded, below 0 decoded.
        """
        bins = spectra.shape[-1]
        seen = spectra[..., int(self.view.first * bins) : int(self.view.last * bins)]
        # What is below the floor of the encoder's hearing is none of its business.
        seen = functional.avg_pool1d(seen.clamp(min=LOG_FLOOR) / LOG_SPREAD, self.view.pooled)
        hidden, features = seen[:, None], []
        for layer in self.layers:
            hidden = functional.leaky_relu(layer(hidden), 0.2)
            features.append(hidden)
        return [*features, self.verdict(hidden)]


class Discriminators(nn.Module):
    """One discriminator a view."""

    def __init__(self, views: tuple[View, ...] = VIEWS, width: int = WIDTH):
        super().__init__()
        self.each = nn.ModuleList(SpectrumDiscriminator(view, width) for view in views)

    def forward(self, spectra: Tensor) -> list[list[Tensor]]:
        """Natural log-magnitudes [B, T, points] -> the features [B, C, T/2, F] of each."""
        return [one(spectra) for one in self.each]


Seen = list[list[Tensor]]


def telling_loss(decoded: Seen, original: Seen) -> Tensor:
    """Hinge loss of the discriminators, from what they saw of both [B, C, T/2, F]; 2 is chance."""
    losses = [
        functional.relu(1 + ours[-1]).mean() + functional.relu(1 - true[-1]).mean()
        for ours, true in zip(decoded, original, strict=True)
    ]
    return torch.stack(losses).mean()


def fooling_loss(decoded: Seen) -> Tensor:
    """Hinge loss of the decoder, from what the discriminators saw of it [B, C, T/2, F]."""
    return -torch.stack([ours[-1].mean() for ours in decoded]).mean()


def matching_loss(decoded: Seen, original: Seen) -> Tensor:
    """Distance of the features [B, C, T/2, F], each relative to the size of the original's."""
    losses = [
        functional.l1_loss(ours, true.detach()) / true.detach().abs().mean().clamp(min=1e-3)
        for one, other in zip(decoded, original, strict=True)
        for ours, true in zip(one[:-1], other[:-1], strict=True)
    ]
    return torch.stack(losses).mean()
