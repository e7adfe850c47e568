"""Levels every 5 ms say when a sound begins, and audio can be brought to them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from model.attack import DEAD_DB, LOG_FLOOR, POINTS, Attack, shaped
from model.grid import HOP, SAMPLE_RATE, frames_of


@pytest.fixture(scope="module")
def attack() -> Attack:
    return Attack()


def levels_of(attack: Attack, audio: np.ndarray) -> np.ndarray:
    return attack(torch.from_numpy(audio)[None])[0].numpy()


def noise(frames: int, seed: int = 0) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(frames * HOP).astype(np.float32)


@given(samples=st.integers(1, 5 * HOP + 7))
@settings(max_examples=30, deadline=None)
def test_there_are_levels_for_every_frame(attack, samples):
    levels = attack(torch.zeros(2, samples))
    assert levels.shape == (2, frames_of(samples), POINTS)
    assert float((levels - LOG_FLOOR).abs().max()) < 1e-5, "silence lies at the floor"


def test_they_say_when_a_click_comes_to_within_5_ms(attack):
    for place in (3 * HOP + 10, 3 * HOP + 330, 3 * HOP + 630):
        audio = np.zeros(8 * HOP, np.float32)
        audio[place] = 0.9
        heard = levels_of(attack, audio).reshape(-1, 24).mean(1)
        assert abs((heard.argmax() + 0.5) * 160 - place) <= 160


def test_audio_that_has_the_levels_is_left_alone(attack):
    audio = noise(20)
    shaped_audio = shaped(audio, levels_of(attack, audio))
    assert shaped_audio.shape == audio.shape and shaped_audio.dtype == np.float32
    inner = slice(HOP, -HOP)
    np.testing.assert_allclose(shaped_audio[inner], audio[inner], atol=1e-5)


@given(db=st.floats(-2.9, 2.9))
@settings(max_examples=10, deadline=None)
def test_what_is_less_than_the_dead_zone_off_is_left_alone(attack, db):
    audio = noise(10)
    wanted = levels_of(attack, (10 ** (db / 20) * audio).astype(np.float32))
    np.testing.assert_allclose(
        shaped(audio, wanted)[HOP:-HOP], audio[HOP:-HOP], atol=2e-3 * (abs(db) + 1) / DEAD_DB
    )


def test_a_smeared_hit_begins_where_it_should(attack):
    """Noise where there was silence before a hit is taken away, the hit stays."""
    hit = noise(12)
    start = 6 * HOP + 300
    hit[:start] = 0
    smeared = hit + 0.3 * np.where(np.arange(len(hit)) < start, noise(12, 1), 0).astype(np.float32)
    mended = shaped(smeared, levels_of(attack, hit))
    before, after = slice(HOP, start - 320), slice(start + 640, -HOP)

    def high(audio: np.ndarray, part: slice) -> float:
        spectrum = np.abs(np.fft.rfft(audio[part])) ** 2
        hertz = np.fft.rfftfreq(len(audio[part]), 1 / SAMPLE_RATE)
        return float(spectrum[hertz > 1000].sum())

    assert high(mended, before) < 0.01 * high(smeared, before)
    assert high(mended, after) == pytest.approx(high(hit, after), rel=0.1)


def test_a_bass_is_left_alone(attack):
    """20 ms do not tell its partials apart; gains would wobble."""
    time_s = np.arange(20 * HOP) / SAMPLE_RATE
    bass = (0.3 * np.sin(2 * np.pi * 55 * time_s)).astype(np.float32)
    wanted = levels_of(attack, bass) - 3.0
    np.testing.assert_allclose(shaped(bass, wanted)[HOP:-HOP], bass[HOP:-HOP], atol=0.02)
