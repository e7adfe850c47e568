"""When a sound begins and ends within a spectrum: levels of a few bands, every 5 ms.

A spectrum of 96 ms says which partials sound, not when: a drum hit made of its magnitudes alone
begins before it should and is smeared. The codec tells these levels as well, and what phases were
made for is brought to them where it is far from them.
"""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as functional
from numpy.typing import NDArray
from torch import Tensor, nn

from model import grid
from model.mel import mel_filters
from model.phase import analyse, synthesise

SIZE, HOP = 640, 160
"""Window and step of the short spectra, samples: 20 and 5 ms."""
BANDS = 24
POINTS = grid.HOP // HOP * BANDS
"""Levels a frame: in order of time, each time's bands together, the lowest first."""
LOG_FLOOR = -6.0
"""Level of a band below which nothing is heard; a full-scale sine has 5.1."""
DEAD_DB = 3.0
"""A band that is no further off is left alone: gains that follow every flutter of a tone roughen
it. With none, the notes kept of true spectra fall from .92 to .90."""
MOST_DB = 30.0
FADE_HZ = (400.0, 800.0)
"""Below the first no gain is given, from the second on all of it: 20 ms do not tell the partials
of a bass apart."""
NEPERS_PER_DB = float(np.log(10)) / 20


class Attack(nn.Module):
    """The levels of audio: holds the window and the bands."""

    window: Tensor
    bands: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("window", torch.hann_window(SIZE), persistent=False)
        self.register_buffer("bands", mel_filters(_hertz(), BANDS), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        """Audio [B, samples] -> natural log-levels [B, frames, POINTS]."""
        frames = grid.frames_of(audio.shape[-1])
        edge = (SIZE - HOP) // 2
        after = frames * grid.HOP - audio.shape[-1] + edge
        spectrum = torch.stft(
            functional.pad(audio, (edge, after)),
            SIZE,
            HOP,
            window=self.window,
            center=False,
            return_complex=True,
        ).transpose(1, 2)
        power = (spectrum.real.square() + spectrum.imag.square()) @ self.bands
        levels = 0.5 * (power + np.exp(2 * LOG_FLOOR)).log()
        return levels.reshape(len(audio), frames, POINTS)


def shaped(audio: NDArray[np.float32], levels: NDArray[np.float32]) -> NDArray[np.float32]:
    """Audio [frames * 640], float32, brought to levels [frames, POINTS] as `Attack` gives them."""
    hertz = _hertz()
    bands = mel_filters(hertz, BANDS).numpy().astype(np.float64)
    spectra = analyse(audio, SIZE, HOP)
    floor = np.exp(2 * LOG_FLOOR)
    power = (spectra.real**2 + spectra.imag**2) @ bands + floor
    wanted = np.exp(2 * levels.reshape(-1, BANDS).astype(np.float64)) + floor
    gain_db = np.clip(10 * np.log10(wanted / power), -MOST_DB, MOST_DB)
    gain_db = np.sign(gain_db) * np.maximum(0.0, np.abs(gain_db) - DEAD_DB)
    # A bin between two bands takes a mean of theirs, in dB.
    shares = bands / np.maximum(bands.sum(1, keepdims=True), 1e-9)
    low, high = FADE_HZ
    fade = np.clip((hertz.numpy() - low) / (high - low), 0.0, 1.0)
    return synthesise(spectra * np.exp(gain_db @ shares.T * fade * NEPERS_PER_DB), SIZE, HOP)


def _hertz() -> Tensor:
    return torch.arange(SIZE // 2 + 1) * grid.SAMPLE_RATE / SIZE
