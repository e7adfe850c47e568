"""The losses are zero for equal audio and grow with the error."""

from __future__ import annotations

import math

import pytest
import torch

from model.grid import SAMPLE_RATE
from training.codec.losses import (
    log_mel_db,
    log_mel_distance,
    magnitude_loss,
    magnitudes,
    mel_matrix,
)


def log_spectrum(audio: torch.Tensor) -> torch.Tensor:
    return (magnitudes(audio, 2048) + 1e-3).log()


@pytest.fixture(scope="module")
def audio() -> torch.Tensor:
    time_s = torch.arange(16_000) / SAMPLE_RATE
    tone = 0.2 * torch.sin(2 * math.pi * 440 * time_s) * torch.exp(-4 * (time_s % 0.25))
    noise = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))
    return tone + 0.01 * noise


@pytest.fixture(scope="module")
def noise() -> torch.Tensor:
    return torch.randn(2, 16_000, generator=torch.Generator().manual_seed(1))


def test_the_training_loss_is_zero_for_equal_audio_and_grows(audio, noise):
    original = log_spectrum(audio)
    assert float(magnitude_loss(original, original)) == 0.0
    losses = [
        float(magnitude_loss(log_spectrum(audio + e * noise), original)) for e in (0.001, 0.01, 0.1)
    ]
    assert 0.0 < losses[0] < losses[1] < losses[2]


def test_the_training_loss_hears_a_semitone():
    """What a mel spectrogram of a bass note hardly sees: which note it is."""
    time_s = torch.arange(32_000) / SAMPLE_RATE
    low, same, other = (
        log_spectrum(0.2 * torch.sin(2 * math.pi * f * time_s)[None]) for f in (110.0, 110.1, 116.5)
    )
    assert float(magnitude_loss(other, low)) > 5 * float(magnitude_loss(same, low))


def test_the_reported_distance_is_zero_for_equal_audio_and_grows(audio, noise):
    assert log_mel_distance(audio, audio) == 0.0
    near, far = (log_mel_distance(audio + e * noise, audio) for e in (0.001, 0.05))
    assert 0.0 < near < far
    assert log_mel_distance(audio, audio + 0.05 * noise) == pytest.approx(far), "either way round"


def test_the_distance_is_in_decibels():
    """Noise at half its level is 6 dB away, in every band that is above the floor."""
    audio = torch.randn(1, 32_000, generator=torch.Generator().manual_seed(0))
    assert log_mel_distance(0.5 * audio, audio) == pytest.approx(20 * math.log10(2), abs=1e-3)


def test_a_click_that_moves_is_seen():
    """All losses see time, not only the spectrum as a whole."""
    click, late = torch.zeros(1, 16_000), torch.zeros(1, 16_000)
    click[0, 8_000], late[0, 9_600] = 0.9, 0.9
    assert log_mel_distance(click, late) > 1.0
    assert float(magnitude_loss(log_spectrum(late), log_spectrum(click))) > 0.1


def test_silence_is_finite_and_has_a_finite_gradient(audio):
    silence = torch.full((2, 32, 1025), -7.0, requires_grad=True)
    for original in (log_spectrum(audio)[:, :32], torch.full((2, 32, 1025), -7.0)):
        loss = magnitude_loss(silence, original)
        (gradient,) = torch.autograd.grad(loss, silence)
        assert loss.isfinite() and gradient.isfinite().all()
    assert log_mel_distance(torch.zeros(1, 8_000), torch.zeros(1, 8_000)) == 0.0


@pytest.mark.parametrize(("fft", "bands"), [(2048, 80), (1024, 80), (512, 42), (256, 21)])
def test_the_mel_filters_cover_the_spectrum(fft, bands):
    matrix = mel_matrix(fft, bands)
    assert matrix.shape == (fft // 2 + 1, bands)
    assert float(matrix.min()) >= 0.0 and float(matrix.max()) <= 1.0
    assert bool((matrix.sum(0) > 0).all()), "no band is empty"
    assert bool((matrix[1:-1].sum(1) > 0).all()), "no bin but the first and last is lost"
    centres = matrix.argmax(0)
    assert bool((centres.diff() >= 0).all())


def test_shapes(audio):
    assert magnitudes(audio, 512).shape == (2, 16_000 // 128 + 1, 257)
    assert log_mel_db(audio).shape == (2, 16_000 // 512 + 1, 80)


def test_silence_lies_at_the_floor():
    silence = log_mel_db(torch.zeros(1, 8_000))
    torch.testing.assert_close(silence, torch.full_like(silence, -80.0))
