"""What the network hears of a mix beside its tokens: which pitches stand out, frame by frame.

A departure from the paper, whose network hears tokens only. Tokens of a whole mix say how it
sounds; which notes are in it has to be learnt from thousands of them. Here a linear map finds them.
"""

from __future__ import annotations

from itertools import pairwise

import torch
import torch.nn.functional as functional
from torch import Tensor

from model.grid import HOP, SAMPLE_RATE, frames_of

PITCHES = 72
"""Semitones that are told apart."""
LOWEST_PITCH = 28
"""MIDI pitch of the first: E1, 41 Hz, a bass's lowest string; the last is E flat 7, 2.5 kHz."""
DECIMATION = 4
"""The spectra are taken at 8 kHz: a quarter of the work."""
TAPS = 33
"""Of the low-pass filter before; what folds back stays above the last pitch."""
WINDOW = 2048
"""Samples of a spectrum at 8 kHz, 256 ms: a semitone is two bins wide from C3 up. Below A3 a note
between two bins may stand out a semitone beside its place; its partials do not."""
NEIGHBOURS = 6
"""Semitones on either side that a pitch has to stand out from."""
FLOOR = 1e-4
"""Amplitude below which nothing sounds (-80 dBFS)."""
RANGE = 6.0
"""Features lie within this either side of 0."""


def pitches(audio: Tensor) -> Tensor:
    """How far each semitone stands out from those around it.

    Log-amplitude of the loudest bin in each semitone, less the mean over the semitones around: a
    drum, which is loud at every pitch, leaves nothing, and neither does silence.

    Args:
        audio: [B, samples], 32 kHz.

    Returns:
        [B, ceil(samples / 640), PITCHES], natural logarithms, within RANGE of 0.
    """
    hop, taps = HOP // DECIMATION, _low_pass(audio.device)
    frames = frames_of(audio.shape[-1])
    edge = DECIMATION * (WINDOW - hop) // 2 + TAPS // 2
    after = frames * HOP - audio.shape[-1] + edge
    padded = functional.pad(audio.float(), (edge, after))[:, None]
    slow = functional.conv1d(padded, taps[None, None], stride=DECIMATION)[:, 0]
    window = torch.hann_window(WINDOW, device=audio.device)
    spectrum = torch.stft(slow, WINDOW, hop, window=window, center=False, return_complex=True)
    amplitude = spectrum[:, : _BANDS[-1][1], :frames].transpose(1, 2).abs() * (2 / window.sum())
    bands = [amplitude[..., first:last].amax(-1) for first, last in _BANDS]
    level = torch.stack(bands, -1).clamp(min=FLOOR).log()
    around = functional.avg_pool1d(
        functional.pad(level, (NEIGHBOURS, NEIGHBOURS), mode="replicate"), 2 * NEIGHBOURS + 1, 1
    )
    return (level - around).clamp(-RANGE, RANGE)


def _bands() -> list[tuple[int, int]]:
    """The bins [first, last) of each semitone; one narrower than a bin has the one it lies in."""
    edges_hz = [440 * 2 ** ((LOWEST_PITCH + n - 69.5) / 12) for n in range(PITCHES + 1)]
    edges = [round(hz * WINDOW * DECIMATION / SAMPLE_RATE) for hz in edges_hz]
    return [(first, max(first + 1, last)) for first, last in pairwise(edges)]


_BANDS = _bands()


def _low_pass(device: torch.device) -> Tensor:
    """A windowed sinc with half of its height at 4 kHz: [TAPS], sum 1."""
    place = torch.arange(TAPS, device=device) - TAPS // 2
    taps = torch.sinc(place / DECIMATION) * torch.hann_window(TAPS + 2, device=device)[1:-1]
    return taps / taps.sum()
