"""Channels are heard as their mean, and all the same where that would be nothing."""

from __future__ import annotations

import numpy as np
import pytest

from companion.audio.mixdown import mixed_down

SAMPLES = 20_000


def noise(seed: int) -> np.ndarray:
    return (0.1 * np.random.default_rng(seed).standard_normal(SAMPLES)).astype(np.float32)


def among(count: int, **sounding: np.ndarray) -> np.ndarray:
    """So many channels, silent but for those that are given, as `c3=`."""
    channels = np.zeros((SAMPLES, count), np.float32)
    for name, sound in sounding.items():
        channels[:, int(name[1:])] = sound
    return channels


def level(sound: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


@pytest.mark.parametrize("second", [1.0, 0.5, 0.0, -0.5])
def test_two_channels_that_do_not_cancel_are_their_mean(second: float) -> None:
    channels = np.stack([noise(1), second * noise(1)], axis=1).astype(np.float32)
    np.testing.assert_array_equal(mixed_down(channels), channels.mean(axis=1, dtype=np.float32))


def test_two_that_have_nothing_in_common_are_both_heard() -> None:
    channels = np.stack([noise(1), noise(2)], axis=1)
    np.testing.assert_array_equal(mixed_down(channels), channels.mean(axis=1, dtype=np.float32))


@pytest.mark.parametrize("second", [-1.0, -0.98, -0.9])
def test_channels_that_cancel_are_heard_at_the_louder_ones_level(second: float) -> None:
    channels = np.stack([noise(1), second * noise(1)], axis=1).astype(np.float32)
    np.testing.assert_allclose(mixed_down(channels), noise(1), atol=1e-5)


@pytest.mark.parametrize("count", [6, 8, 16, 32])
def test_one_of_many_channels_is_heard_at_its_level(count: int) -> None:
    np.testing.assert_allclose(mixed_down(among(count, c5=noise(1))), noise(1), atol=1e-6)


def test_two_of_many_channels_are_both_heard() -> None:
    both = mixed_down(among(16, c2=noise(1), c9=0.8 * noise(2)))
    assert level(both) == pytest.approx(level(noise(1)), rel=1e-3)
    shares = [float(both @ noise(seed)) / float(noise(seed) @ noise(seed)) for seed in (1, 2)]
    assert shares[1] == pytest.approx(0.8 * shares[0], rel=0.05)


def test_three_that_cancel_leave_the_loudest() -> None:
    channels = np.stack([noise(1), noise(2), -noise(1) - noise(2)], axis=1)
    heard = mixed_down(channels)
    np.testing.assert_allclose(np.abs(heard), np.abs(channels[:, 2]), atol=1e-6)


def test_silence_and_nothing_stay_what_they_are() -> None:
    assert not mixed_down(np.zeros((100, 3), np.float32)).any()
    assert mixed_down(np.zeros((0, 2), np.float32)).shape == (0,)
