"""How far decoded audio is from the original, as losses and as the reported figure."""

from __future__ import annotations

import functools

import numpy as np
import torch
import torch.nn.functional as functional
from torch import Tensor

from model.grid import SAMPLE_RATE


@functools.cache
def mel_matrix(fft: int, bands: int) -> Tensor:
    """Triangular filters with unit peak, equally spaced on the mel scale: [fft/2+1, bands]."""
    mel = np.linspace(0.0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), bands + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = np.arange(fft // 2 + 1)[:, None] * SAMPLE_RATE / fft
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    matrix = np.maximum(0.0, np.minimum(rise, fall))
    # A band narrower than one bin takes its nearest bin, so that none is empty.
    for band in np.flatnonzero(matrix.sum(0) == 0):
        matrix[int(np.abs(bins[:, 0] - edges[band + 1]).argmin()), band] = 1.0
    return torch.tensor(matrix, dtype=torch.float32)


def magnitudes(audio: Tensor, fft: int) -> Tensor:
    """STFT magnitudes of audio [B, samples]: [B, frames, fft/2+1]; Hann, hop fft/4."""
    window = torch.hann_window(fft, device=audio.device)
    spectrum = torch.stft(audio, fft, fft // 4, window=window, return_complex=True)
    return spectrum.abs().transpose(1, 2)


def log_mel_db(audio: Tensor, fft: int = 2048, bands: int = 80) -> Tensor:
    """Log-mel spectrogram in dB, floor 1e-4 (-80 dB): [B, frames, bands]."""
    mel = magnitudes(audio, fft) @ mel_matrix(fft, bands).to(audio.device)
    return 20 * mel.clamp(min=1e-4).log10()


def log_mel_distance(audio: Tensor, reference: Tensor) -> float:
    """Mean absolute difference of two log-mel spectrograms, dB (80 mel, 2048/512, floor 1e-4).

    Args:
        audio, reference: [B, samples].
    """
    return float((log_mel_db(audio) - log_mel_db(reference)).abs().mean())


@functools.cache
def ear_weights(fft: int) -> Tensor:
    """How much of the mel scale each bin covers, mean 1: [fft/2+1].

    Without it seven eighths of a spectrum's bins lie above 2 kHz, where no note is told from
    another.
    """
    hertz = torch.arange(fft // 2 + 1) * SAMPLE_RATE / fft
    weights = 1 / (700 + hertz)
    return weights / weights.mean()


def magnitude_loss(decoded: Tensor, original: Tensor) -> Tensor:
    """Distance of two spectra of natural log-magnitudes [..., window/2+1].

    The log alone would spend everything on what is hardly heard, the magnitude alone on the
    loudest bins; the mel term is what is reported.
    """
    size = 2 * (decoded.shape[-1] - 1)
    ear = ear_weights(size).to(decoded.device)
    a, b = decoded.exp(), original.exp()
    logarithm = (((a + 0.01).log() - (b + 0.01).log()).abs() * ear).mean()
    roots = a.sqrt(), b.sqrt()
    root = ((roots[0] - roots[1]).abs() * ear).mean() / (roots[1] * ear).mean().clamp(min=0.05)
    mel = mel_matrix(size, 80).to(a.device)
    mels = functional.l1_loss((a @ mel + 1e-3).log(), (b @ mel + 1e-3).log())
    return logarithm + root + 0.3 * mels
