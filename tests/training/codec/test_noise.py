"""Roughness tells noise from what only has its spectrum."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.grid import SAMPLE_RATE
from training.codec.noise import WINDOW, roughness


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return 0.1 * np.random.default_rng(0).standard_normal(4 * SAMPLE_RATE).astype(np.float32)


def test_steady_noise_has_six_decibels(noise):
    assert roughness(noise) == pytest.approx(20 * math.log10(2), abs=0.1)


def test_the_level_does_not_matter(noise):
    assert roughness(0.01 * noise) == pytest.approx(roughness(noise), abs=1e-3)


def test_clicks_at_the_rate_of_the_windows_are_smooth():
    """The spectrum of noise, the same in every window: what a buzz is."""
    clicks = np.zeros(100 * WINDOW, np.float32)
    clicks[WINDOW // 2 :: WINDOW] = 0.5
    assert roughness(clicks) < 0.01


def test_what_is_far_below_the_loudest_is_not_looked_at(noise):
    clicks = np.zeros(100 * WINDOW, np.float32)
    clicks[WINDOW // 2 : 50 * WINDOW : WINDOW] = 0.5
    clicks[50 * WINDOW :] += 1e-5 * noise[: 50 * WINDOW]
    assert roughness(clicks) < 0.01


def test_silence_and_one_window_have_none(noise):
    assert roughness(np.zeros(SAMPLE_RATE, np.float32)) == 0.0
    assert roughness(noise[:WINDOW]) == 0.0
