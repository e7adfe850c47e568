"""A context is coloured as a stage would, within limits, and the same by the same dice."""

from __future__ import annotations

import random

import numpy as np
import pytest

from training.stemgen.colour import (
    DRIVE,
    EQUALISER_DB,
    NOISE_DB,
    REFLECTED_S,
    WET_DB,
    coloured,
    equalised,
    in_a_room,
    noisy,
    saturated,
)

RATE = 32_000
SEEDS = range(5)


@pytest.fixture(scope="module")
def music() -> np.ndarray:
    """A second of noise, then a second of silence."""
    noise = 0.1 * np.random.default_rng(0).standard_normal(RATE)
    return np.concatenate([noise, np.zeros(RATE)]).astype(np.float32)


def db(audio: np.ndarray) -> float:
    return float(10 * np.log10(np.square(audio, dtype=np.float64).mean()))


@pytest.mark.parametrize("colour", [coloured, in_a_room, saturated, equalised, noisy])
def test_a_colour_is_a_function_of_the_dice_and_keeps_the_length(colour, music):
    once, again = colour(music, random.Random(3)), colour(music, random.Random(3))
    assert once.dtype == np.float32 and once.shape == music.shape
    assert (once == again).all()
    assert (once != colour(music, random.Random(4))).any()


@pytest.mark.parametrize("colour", [coloured, in_a_room, saturated, equalised, noisy])
def test_silence_stays_silence(colour):
    for seed in SEEDS:
        assert not colour(np.zeros(RATE, np.float32), random.Random(seed)).any()


def test_the_equaliser_stays_within_its_range(music):
    noise = music[:RATE]
    for seed in SEEDS:
        gains = np.abs(np.fft.rfft(equalised(noise, random.Random(seed)))) / np.abs(
            np.fft.rfft(noise)
        )
        gains_db = 20 * np.log10(gains[1:])
        assert np.abs(gains_db).max() <= EQUALISER_DB + 0.01
        assert np.ptp(gains_db) > 0.5


def test_a_room_comes_after_the_sound_and_is_as_wet_as_it_may_be(music):
    for seed in SEEDS:
        room = in_a_room(music, random.Random(seed)) - music
        assert WET_DB[0] - 0.1 <= db(room) - db(music) <= WET_DB[1] + 0.1
        assert np.abs(room[: int(REFLECTED_S[0] * RATE) - 1]).max() < 1e-6, "nothing comes early"
        # The second half has no sound of its own: what is heard there dies away.
        falls = [db(room[RATE + n * RATE // 8 : RATE + (n + 1) * RATE // 8]) for n in (0, 2, 4)]
        assert falls[0] > falls[1] + 3 > falls[2] + 3


def test_saturation_bends_the_peak_only_a_little(music):
    for seed in SEEDS:
        bent = saturated(music, random.Random(seed))
        assert np.tanh(DRIVE[1]) / DRIVE[1] <= np.abs(bent).max() / np.abs(music).max() < 1
        quiet = np.abs(music) < 0.01 * np.abs(music).max()
        np.testing.assert_allclose(bent[quiet], music[quiet], rtol=1e-3)


def test_the_noise_is_as_far_below_the_peak_as_it_should_be(music):
    peak_db = 20 * np.log10(np.abs(music).max())
    for seed in SEEDS:
        floor = noisy(music, random.Random(seed))[RATE:]
        assert NOISE_DB[0] - 0.3 <= db(floor) - peak_db <= NOISE_DB[1] + 0.3


def test_contexts_differ_in_what_they_have(music):
    """Some are in a room, some have a floor of noise, some have neither."""
    later = slice(RATE * 29 // 20, RATE * 31 // 20)
    heard_db = [db(coloured(music, random.Random(seed))[later]) for seed in range(40)]
    silent = sum(heard < -90 for heard in heard_db)
    assert 4 <= silent <= 28
