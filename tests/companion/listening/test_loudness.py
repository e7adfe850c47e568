"""Loudness is the standard's, and gains do what they say."""

from __future__ import annotations

import math

import numpy as np
import pytest

from companion.listening.loudness import (
    CEILING,
    MOST_GAIN_DB,
    RATE,
    Level,
    level,
    loudness,
    mixed,
    turned_down,
    with_beeps,
)


def tone(level_db: float, channels: int = 1, seconds: float = 2.0, hz: float = 997.0) -> np.ndarray:
    wave = 10 ** (level_db / 20) * np.sin(2 * np.pi * hz * np.arange(round(seconds * RATE)) / RATE)
    return np.repeat(wave[:, None], channels, 1).astype(np.float32)


def test_a_tone_has_the_loudness_that_the_standard_gives_it() -> None:
    """997 Hz at full scale in one channel is -3.01 LUFS (BS.1770, annex 1)."""
    assert loudness(tone(0.0)) == pytest.approx(-3.01, abs=0.1)
    assert loudness(tone(-20.0)) == pytest.approx(-23.01, abs=0.1)
    assert loudness(tone(-20.0, channels=2)) == pytest.approx(-20.0, abs=0.1)
    assert loudness(tone(-20.0, hz=60.0)) < -24.0
    assert loudness(tone(-20.0, seconds=0.1)) == pytest.approx(-23.0, abs=0.3)
    assert loudness(np.zeros((RATE, 2), np.float32)) == -math.inf


@pytest.mark.parametrize("channels", [1, 2])
@pytest.mark.parametrize("stem_lu", [-12.0, -6.0, 3.0])
def test_a_stem_is_as_loud_beside_its_context_as_it_is_to_be(channels, stem_lu) -> None:
    context, stem = tone(-20.0, channels, hz=400.0), tone(-31.0, hz=1700.0)[:, 0]
    alone = mixed(context, stem, stem_lu) - context
    assert loudness(alone) - loudness(context) == pytest.approx(stem_lu, abs=0.05)


def test_what_hardly_sounds_stays_quiet_and_silence_is_silence() -> None:
    context = tone(-20.0)
    faint = tone(-75.0, hz=1700.0)[:, 0]
    gained = mixed(context, faint, -6.0) - context
    assert np.abs(gained).max() <= np.abs(faint).max() * 10 ** (MOST_GAIN_DB / 20) * 1.001
    assert np.array_equal(mixed(context, np.zeros(len(context), np.float32), -6.0), context)
    assert level(np.zeros((RATE, 1), np.float32)).gain == 0.0


def test_one_sound_that_would_clip_turns_all_down_alike() -> None:
    assert turned_down([Level(1.0, 0.5), Level(1.0, 0.9)]) == 1.0
    assert turned_down([Level(1.0, 0.5), Level(3.0, 1.96)]) == pytest.approx(CEILING / 1.96)


def test_beeps_never_clip() -> None:
    loud = tone(-0.1)
    assert np.abs(with_beeps(loud, 3)).max() <= CEILING + 1e-6
