"""What the coherence network hears: semitones for harmony, mel bands for rhythm, both in dB."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from model.grid import SAMPLE_RATE
from training.codec.losses import mel_matrix

SEMITONES = 84
LOWEST_PITCH = 24
"""MIDI pitch of the lowest semitone band: C1, 33 Hz; the highest is B7, 3951 Hz."""
SPLIT_PITCH = 48
"""Below this pitch a spectrum of 0.5 s, which tells semitones apart; above, one of 0.25 s."""
LOW_FFT, HIGH_FFT = 16384, 8192
SEMITONE_HOP = 2560
"""Samples between semitone frames: 80 ms."""
MEL_BANDS = 24
MEL_FFT = 1024
MEL_HOP = 320
"""Samples between mel frames: 10 ms."""
FLOOR_DB, STEP_DB = -100.0, 0.5


@dataclass(frozen=True, slots=True)
class Bands:
    """Band powers of a sound in steps of 0.5 dB above -100 dB; 0 dB is about full scale.

    Attributes:
        semitones: uint8 [..., 84, frames], a frame each 80 ms.
        mel: uint8 [..., 24, frames], a frame each 10 ms.
    """

    semitones: NDArray[np.uint8]
    mel: NDArray[np.uint8]


def power_of(codes: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Powers [...] of the codes [...] that `Bands` holds."""
    return _POWERS[codes]


_POWERS = (10 ** ((FLOOR_DB + STEP_DB * np.arange(256)) / 10)).astype(np.float32)


@torch.no_grad()
def band_powers(audio: Tensor) -> tuple[Tensor, Tensor]:
    """Powers of audio [B, samples] in semitone bands [B, 84, T] and in mel bands [B, 24, U].

    The bands are triangles one semitone to each side, over two spectra, so that low notes are
    told apart and high ones are not smeared: a rough constant-Q transform (Brown 1991). Frames
    are centred on multiples of their hop, the first on sample 0.
    """
    low, high, mel = (matrix.to(audio.device) for matrix in _matrices())
    semitones = torch.cat(
        [
            low @ _spectrum(audio, LOW_FFT, SEMITONE_HOP)[:, : low.shape[1]],
            high @ _spectrum(audio, HIGH_FFT, SEMITONE_HOP)[:, : high.shape[1]],
        ],
        dim=1,
    )
    return semitones, mel @ _spectrum(audio, MEL_FFT, MEL_HOP)


def bands_of(audio: NDArray[np.float32]) -> Bands:
    """Bands of sounds [B, samples] at 32 kHz, in the codes of `Bands`."""
    powers = band_powers(torch.from_numpy(audio))
    codes = [
        ((10 * power.clamp(min=1e-12).log10() - FLOOR_DB) / STEP_DB).round().clamp(0, 255)
        for power in powers
    ]
    return Bands(*(code.to(torch.uint8).numpy() for code in codes))


def _spectrum(audio: Tensor, fft: int, hop: int) -> Tensor:
    window = torch.hann_window(fft, device=audio.device)
    spectrum = torch.stft(
        audio,
        fft,
        hop,
        window=window / window.sum(),
        pad_mode="constant",
        return_complex=True,
    )
    return torch.view_as_real(spectrum).square().sum(-1)


@lru_cache(maxsize=1)
def _matrices() -> tuple[Tensor, Tensor, Tensor]:
    def triangles(fft: int, first: int, last: int) -> Tensor:
        hertz = np.arange(1, fft // 2 + 1) * SAMPLE_RATE / fft
        pitch = 69 + 12 * np.log2(hertz / 440.0)
        used = int((pitch < last).sum()) + 1  # the bins above are not computed with
        weight = np.maximum(0.0, 1 - np.abs(pitch - np.arange(first, last)[:, None]))
        weight = np.pad(weight, ((0, 0), (1, 0)))[:, : used + 1]
        return torch.tensor(weight, dtype=torch.float32)

    top = LOWEST_PITCH + SEMITONES
    return (
        triangles(LOW_FFT, LOWEST_PITCH, SPLIT_PITCH),
        triangles(HIGH_FFT, SPLIT_PITCH, top),
        mel_matrix(MEL_FFT, MEL_BANDS).T.contiguous(),
    )
