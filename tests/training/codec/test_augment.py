"""Crops come out different, of the right length, and the same for the same seed."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.codec.augment import at_rate, held_tones, samples_needed, varied


def seeded(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tone(hertz: float, samples: int) -> torch.Tensor:
    return torch.sin(2 * math.pi * hertz * torch.arange(samples) / SAMPLE_RATE)[None]


@given(seed=st.integers(0, 10_000), count=st.integers(1, 24))
@settings(max_examples=15, deadline=None)
def test_crops_are_finite_of_the_right_length_and_never_clip(seed, count):
    audio = torch.randn(count, samples_needed(4000), generator=seeded(seed))
    crops = varied(audio, 4000, seeded(seed))
    assert crops.shape == (count, 4000)
    assert bool(crops.isfinite().all()) and float(crops.abs().max()) <= 1.0
    assert torch.equal(crops, varied(audio, 4000, seeded(seed)))
    assert not torch.equal(crops, varied(audio, 4000, seeded(seed + 1)))


def test_silence_stays_near_silence():
    crops = varied(torch.zeros(24, samples_needed(4000)), 4000, seeded(0))
    assert float(crops[:22].abs().max()) < 1e-2
    assert float(crops[22:].abs().max()) > 1e-2, "but for the tones"


@pytest.mark.parametrize("semitones", [-5, 0, 4])
def test_another_rate_is_another_pitch(semitones):
    audio = tone(440.0, samples_needed(32_000))
    heard = at_rate(audio, torch.tensor([2 ** (semitones / 12)]), 32_000)[0].numpy()
    spectrum = np.abs(np.fft.rfft(heard * np.hanning(len(heard))))
    assert spectrum.argmax() == pytest.approx(440 * 2 ** (semitones / 12), abs=1.0)


def test_the_same_rate_is_the_same_sound():
    audio = torch.randn(2, samples_needed(1000), generator=seeded(0))
    assert torch.equal(at_rate(audio, torch.ones(2), 1000), audio[:, 1:1001])


def test_held_tones_sound_and_are_many_kinds():
    tones = held_tones(40, 20_000, seeded(0))
    loud = tones.square().mean(1).sqrt()
    assert float((loud > 0.05).float().mean()) > 0.8
    spectra = torch.fft.rfft(tones * torch.hann_window(20_000)).abs()
    peaks = spectra.argmax(1) * SAMPLE_RATE / 20_000
    assert float(peaks.min()) < 100 and float(peaks.max()) > 2000
