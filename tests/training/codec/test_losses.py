"""The losses are zero for equal audio and grow with the error."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch

from model.frame_codec import FrameCodec, FrameCodecConfig, Told
from model.grid import SAMPLE_RATE
from training.codec.losses import (
    ToldLoss,
    log_mel_db,
    log_mel_distance,
    magnitudes,
)

TOY = FrameCodecConfig(width=16, encoder_blocks=1, decoder_blocks=1, decoder_floor=-14.0)
LAYOUTS = (TOY, replace(TOY, single_bins=480, attack=True))


@pytest.fixture(scope="module", params=LAYOUTS, ids=["every bin", "groups and attack"])
def codec(request) -> FrameCodec:
    return FrameCodec(request.param)


def loss(codec: FrameCodec, audio: torch.Tensor, original: torch.Tensor) -> float:
    terms = ToldLoss(codec)(codec.told_of(audio), codec.told_of(original))
    return float(sum(terms.values()))


@pytest.fixture(scope="module")
def audio() -> torch.Tensor:
    time_s = torch.arange(16_000) / SAMPLE_RATE
    tone = 0.2 * torch.sin(2 * math.pi * 440 * time_s) * torch.exp(-4 * (time_s % 0.25))
    noise = torch.randn(2, 16_000, generator=torch.Generator().manual_seed(0))
    return tone + 0.01 * noise


@pytest.fixture(scope="module")
def noise() -> torch.Tensor:
    return torch.randn(2, 16_000, generator=torch.Generator().manual_seed(1))


def test_the_training_loss_is_zero_for_equal_audio_and_grows(codec, audio, noise):
    assert loss(codec, audio, audio) == 0.0
    losses = [loss(codec, audio + e * noise, audio) for e in (0.001, 0.01, 0.1)]
    assert 0.0 < losses[0] < losses[1] < losses[2]


def test_the_training_loss_hears_a_semitone(codec):
    """What a mel spectrogram of a bass note hardly sees: which note it is."""
    time_s = torch.arange(32_000) / SAMPLE_RATE
    swell = 0.2 * torch.hann_window(32_000)  # where a tone is cut off its phase is heard
    noise = 1e-4 * torch.randn(32_000, generator=torch.Generator().manual_seed(0))
    low, same, other = (
        (swell * torch.sin(2 * math.pi * f * time_s) + noise)[None] for f in (110.0, 110.1, 116.5)
    )
    assert loss(codec, other, low) > 5 * loss(codec, same, low)


def test_the_level_terms_hear_a_sound_that_is_too_quiet_and_can_be_held_back(codec, audio):
    told, true = codec.told_of(0.5 * audio), codec.told_of(audio)
    all_of_it, held_back = (ToldLoss(codec)(told, true, quiet) for quiet in (1.0, 0.2))
    for name in ("level", "crop", "bands", "quiet mel", "quiet bins"):
        assert float(held_back[name]) == pytest.approx(0.2 * float(all_of_it[name]), rel=1e-4)
        assert float(all_of_it[name]) > 0
    assert float(held_back["bins"]) == float(all_of_it["bins"])


def test_digital_silence_is_asked_for(codec):
    silence, rumble = torch.zeros(1, 32_000), 1e-4 * torch.randn(1, 32_000)
    assert loss(codec, rumble, silence) > 0.3


def test_a_hit_within_a_frame_is_seen_where_attacks_are_told():
    codec = FrameCodec(LAYOUTS[1])
    early, late = torch.zeros(1, 32_000), torch.zeros(1, 32_000)
    early[0, 16_000], late[0, 16_240] = 0.9, 0.9
    told, true = codec.told_of(late), codec.told_of(early)
    assert float(ToldLoss(codec)(told, true)["attack"]) > 0.01


def test_the_reported_distance_is_zero_for_equal_audio_and_grows(audio, noise):
    assert log_mel_distance(audio, audio) == 0.0
    near, far = (log_mel_distance(audio + e * noise, audio) for e in (0.001, 0.05))
    assert 0.0 < near < far
    assert log_mel_distance(audio, audio + 0.05 * noise) == pytest.approx(far), "either way round"


def test_the_distance_is_in_decibels():
    """Noise at half its level is 6 dB away, in every band that is above the floor."""
    audio = torch.randn(1, 32_000, generator=torch.Generator().manual_seed(0))
    assert log_mel_distance(0.5 * audio, audio) == pytest.approx(20 * math.log10(2), abs=1e-3)


def test_a_click_that_moves_is_seen(codec):
    """All losses see time, not only the spectrum as a whole."""
    click, late = torch.zeros(1, 16_000), torch.zeros(1, 16_000)
    click[0, 8_000], late[0, 9_600] = 0.9, 0.9
    assert log_mel_distance(click, late) > 1.0
    assert loss(codec, late, click) > 0.1


def test_silence_is_finite_and_has_a_finite_gradient(codec, audio):
    silence = codec.told_of(torch.zeros(2, 16_000))
    spectra = silence.spectra.clone().requires_grad_()
    for original in (codec.told_of(audio), silence):
        total = sum(ToldLoss(codec)(Told(spectra, silence.attack), original).values())
        (gradient,) = torch.autograd.grad(total, spectra)
        assert total.isfinite() and gradient.isfinite().all()
    assert log_mel_distance(torch.zeros(1, 8_000), torch.zeros(1, 8_000)) == 0.0


def test_shapes(audio):
    assert magnitudes(audio, 512).shape == (2, 16_000 // 128 + 1, 257)
    assert log_mel_db(audio).shape == (2, 16_000 // 512 + 1, 80)


def test_silence_lies_at_the_floor():
    silence = log_mel_db(torch.zeros(1, 8_000))
    torch.testing.assert_close(silence, torch.full_like(silence, -80.0))
