"""The key estimate: every key is found, transposition carries over, near keys score in part."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.band.harmony import chord_of
from training.evaluation.key import KEYS, estimate_key, key_agreement, pitch_class_times
from training.evaluation.notes import PitchedNote

C, G, F, D = 0, 7, 5, 2
A_MINOR, C_MINOR = 12 + 9, 12


def played(numerals: str, tonic: int) -> np.ndarray:
    weights = np.zeros(12)
    for numeral in numerals.split():
        weights[list(chord_of(numeral, tonic).pitch_classes)] += 1
    return weights


@pytest.mark.parametrize("tonic", range(12))
def test_a_cadence_is_in_its_key(tonic):
    assert estimate_key(played("I IV V I", tonic)) == tonic
    assert estimate_key(played("i iv V i", tonic)) == 12 + tonic


@given(st.lists(st.integers(0, 1000), min_size=12, max_size=12, unique=True), st.integers(0, 11))
def test_a_transposition_moves_the_key_with_it(weights, shift):
    key = estimate_key(np.array(weights, float))
    moved = estimate_key(np.roll(np.array(weights, float), shift))
    assert key is not None
    assert moved == key // 12 * 12 + (key + shift) % 12


def test_nothing_has_no_key():
    assert estimate_key(np.zeros(12)) is None
    assert estimate_key(np.ones(12)) is None
    assert estimate_key(pitch_class_times([])) is None


@given(st.integers(0, 5), st.integers(0, 2**32 - 1))
def test_of_keys_that_fit_as_well_the_first_is_taken(pitch, seed):
    """Two notes a tritone apart, or all of a diminished chord, are in several keys alike."""
    noise = 1 + 1e-7 * np.random.default_rng(seed).uniform(-1, 1, 12)
    for steps in ((0, 6), (0, 3, 6, 9)):
        weights = np.zeros(12)
        weights[[(pitch + step) % 12 for step in steps]] = 1.0
        key = estimate_key(weights)
        assert key is not None and key % 12 < 12 // len(steps)
        assert estimate_key(weights * noise) == key


def test_what_rounding_alone_sets_apart_has_no_key():
    assert estimate_key(1 + 1e-9 * np.arange(12.0)) is None


def test_pitch_classes_are_weighed_by_time():
    notes = [PitchedNote(0.0, 1.5, 60), PitchedNote(3.0, 3.5, 72), PitchedNote(0.0, 1.0, 59)]
    times_s = pitch_class_times(notes)
    assert (times_s[0], times_s[11], times_s.sum()) == (2.0, 1.0, 3.0)


@pytest.mark.parametrize(
    ("estimated", "true", "score"),
    [
        (C, C, 1.0),
        (G, C, 0.5),
        (F, C, 0.5),
        (A_MINOR, C, 0.3),
        (C, A_MINOR, 0.3),
        (C_MINOR, C, 0.2),
        (C, C_MINOR, 0.2),
        (D, C, 0.0),
        (12 + 3, C, 0.0),
        (9, C_MINOR, 0.0),
    ],
)
def test_the_score_of_near_keys(estimated, true, score):
    assert key_agreement(estimated, true) == score


@given(st.integers(0, KEYS - 1), st.integers(0, KEYS - 1))
def test_the_score_has_no_direction(one, other):
    assert key_agreement(one, other) == key_agreement(other, one)
