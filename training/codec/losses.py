"""How far decoded audio is from the original, as losses and as the reported figure."""

from __future__ import annotations

import functools
import math

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.grid import SAMPLE_RATE
from model.mel import mel_filters

FLOOR = 1e-4
"""Mel magnitude below which the reported figure hears nothing."""
QUIET = 1e-5
"""The same for one bin: a band has up to 40 of them."""


@functools.cache
def mel_matrix(fft: int, bands: int) -> Tensor:
    """Triangular filters with unit peak, equally spaced on the mel scale: [fft/2+1, bands]."""
    hertz = torch.arange(fft // 2 + 1) * SAMPLE_RATE / fft
    return mel_filters(hertz, bands)


def magnitudes(audio: Tensor, fft: int) -> Tensor:
    """STFT magnitudes of audio [B, samples]: [B, frames, fft/2+1]; Hann, hop fft/4."""
    window = torch.hann_window(fft, device=audio.device)
    spectrum = torch.stft(audio, fft, fft // 4, window=window, return_complex=True)
    return spectrum.abs().transpose(1, 2)


def log_mel_db(audio: Tensor, fft: int = 2048, bands: int = 80) -> Tensor:
    """Log-mel spectrogram in dB, floor 1e-4 (-80 dB): [B, frames, bands]."""
    mel = magnitudes(audio, fft) @ mel_matrix(fft, bands).to(audio.device)
    return 20 * mel.clamp(min=FLOOR).log10()


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
    return _bin_loss(decoded.exp(), original.exp()) + 0.3 * _mel_loss(decoded, original, 1e-3)


def decoder_loss(decoded: Tensor, original: Tensor) -> Tensor:
    """Distance of two spectra of natural log-magnitudes [..., window/2+1], down to silence.

    As `magnitude_loss`, with more of the mel term and with floors as low as the reported figure's:
    decays and digital silence are most of what is between two notes of a stem.
    """
    quiet = math.log(QUIET)
    deep = (
        (
            torch.logaddexp(decoded, decoded.new_tensor(quiet))
            - torch.logaddexp(original, original.new_tensor(quiet))
        )
        .abs()
        .mean()
    )
    bins = _bin_loss(decoded.exp(), original.exp())
    return bins + 0.1 * deep + 2.0 * _mel_loss(decoded, original, FLOOR)


def _bin_loss(a: Tensor, b: Tensor) -> Tensor:
    """Distance of two spectra of magnitudes [..., window/2+1], bin by bin as the ear has them."""
    ear = ear_weights(2 * (a.shape[-1] - 1)).to(a.device)
    logarithm = (((a + 0.01).log() - (b + 0.01).log()).abs() * ear).mean()
    roots = a.sqrt(), b.sqrt()
    root = ((roots[0] - roots[1]).abs() * ear).mean() / (roots[1] * ear).mean().clamp(min=0.05)
    return logarithm + root


def _mel_loss(decoded: Tensor, original: Tensor, floor: float) -> Tensor:
    """Distance of two spectra of log-magnitudes [..., window/2+1] in 80 mel bands, nepers."""
    mel = mel_matrix(2 * (decoded.shape[-1] - 1), 80).to(decoded.device)
    a, b = decoded.exp() @ mel, original.exp() @ mel
    return functional.l1_loss((a + floor).log(), (b + floor).log())
