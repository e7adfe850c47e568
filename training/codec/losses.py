"""How far decoded audio is from the original, as losses and as the reported figure."""

from __future__ import annotations

import functools

import torch
import torch.nn.functional as functional
from torch import Tensor, nn

from model.frame_codec import FrameCodec, Told
from model.grid import SAMPLE_RATE
from model.mel import mel_filters

FLOOR = 1e-4
"""Mel magnitude below which the reported figure hears nothing."""
QUIET = 1e-5
"""The same for one bin: a band has up to 40 of them."""
NOTES_HZ = 5000.0
"""Above, no note is told from another."""
WIDE_BANDS = (8, 16, 32, 64)
"""Numbers of mel bands whose power is compared."""
ATTACK_FLOOR = -5.0
"""Log-level of the bands of `model.attack` below which nothing is heard."""


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


class ToldLoss(nn.Module):
    """How far what the decoder tells is from what a sound is, in terms that add up.

    The magnitudes of single bins, as the ear has them, say which note it is; they come first. The
    rest says how loud it is, and what lies between the notes: these terms pull the whole spectrum
    one way and would drown the bins', so they weigh little until `quiet` is raised.
    """

    counts: Tensor
    ear: Tensor
    mel: Tensor
    bands: Tensor
    shares: Tensor

    def __init__(self, codec: FrameCodec):
        super().__init__()
        hertz, counts = codec.point_hertz(), codec.point_bins()
        # Without it seven eighths of a spectrum's bins lie above 2 kHz, where no note is told
        # from another.
        ear = counts / (700 + hertz)
        bands = [mel_filters(hertz, n) * counts[:, None] for n in WIDE_BANDS]
        shares = [torch.full((n,), 1 / (n * len(WIDE_BANDS))) for n in WIDE_BANDS]
        self.low = int((hertz < NOTES_HZ).sum())
        self.points = len(hertz)
        for name, value in {
            "counts": counts,
            "ear": ear / ear.mean(),
            "mel": mel_filters(hertz, 80) * counts[:, None],
            "bands": torch.cat(bands, 1),
            "shares": torch.cat(shares),
        }.items():
            self.register_buffer(name, value, persistent=False)

    def forward(self, told: Told, true: Told, quiet: float = 1.0) -> dict[str, Tensor]:
        """The terms, each a number; all are 0 where both are equal.

        Args:
            told, true: spectra [B, T, n * points], attack [B, T, `attack.POINTS` or 0].
            quiet: share of the terms that hear level and quiet sounds, 0..1.
        """
        a, b = (one.spectra.unflatten(-1, (-1, self.points)).flatten(1, 2) for one in (told, true))
        a_size, b_size = a.exp(), b.exp()
        a_power, b_power = (size.square() * self.counts for size in (a_size, b_size))
        root, true_root = a_size.sqrt(), b_size.sqrt()
        # The logarithm alone would spend everything on what is hardly heard, the root alone on
        # the loudest bins.
        log_part = (_log_distance(a_size, b_size, 0.01) * self.ear).mean()
        root_part = ((root - true_root).abs() * self.ear).mean()
        bins = log_part + root_part / (true_root * self.ear).mean().clamp(min=0.05)
        # Phases are made from how magnitudes rise and fall over frequency.
        weight = (true_root * self.ear)[..., 1 : self.low]
        rise = [(s[..., : self.low] + 0.01).log().diff(dim=-1) for s in (a_size, b_size)]
        slope = ((rise[0] - rise[1]).abs() * weight).mean() / weight.mean().clamp(min=0.05)
        mel, true_mel = a_size @ self.mel, b_size @ self.mel
        wide = _log_distance(a_size.square() @ self.bands, b_size.square() @ self.bands, 1e-5)
        terms = {
            "bins": bins,
            "mel": 0.3 * _log_distance(mel, true_mel, 1e-3).mean(),
            "slope": 0.6 * slope,
            "quiet bins": quiet * 0.1 * (_log_distance(a_size, b_size, QUIET) * self.ear).mean(),
            "quiet mel": quiet * 0.6 * _log_distance(mel, true_mel, FLOOR).mean(),
            "bands": quiet * 0.2 * (wide * self.shares).sum(-1).mean(),
            "level": quiet * 0.15 * _log_distance(a_power.sum(-1), b_power.sum(-1), 1e-3).mean(),
            "crop": quiet
            * 0.1
            * _log_distance(a_power.sum((1, 2)), b_power.sum((1, 2)), 0.1).mean(),
        }
        if told.attack.shape[-1]:
            floor = told.attack.new_tensor(ATTACK_FLOOR)
            a_level, b_level = (torch.logaddexp(one.attack, floor) for one in (told, true))
            terms["attack"] = 0.2 * functional.l1_loss(a_level, b_level)
        return terms


def _log_distance(a: Tensor, b: Tensor, floor: float) -> Tensor:
    return ((a + floor).log() - (b + floor).log()).abs()
