"""Progressions can be spelled, and what is held out is heard in no training set."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.band.grooves import IDIOM_SHARES
from training.band.harmony import QUALITIES, chord_of
from training.band.progressions import HELD_OUT, TRAINING, draw_progression, motion_of

seeds = st.integers(0, 2**32)
sets = st.sampled_from((TRAINING, HELD_OUT))


@given(seeds, st.sampled_from(sorted(IDIOM_SHARES)), st.booleans(), st.integers(0, 11), sets)
def test_every_progression_can_be_spelled_in_every_key(seed, idiom, minor, key, progressions):
    bars = draw_progression(random.Random(seed), idiom, minor, progressions)
    assert len(bars) in (2, 4, 8, 12)
    assert " ".join(bars) in progressions.all()
    for token in bars:
        chord = chord_of(token, key)
        assert chord.quality in QUALITIES
        assert chord.pitch_classes[0] == chord.root


@pytest.mark.parametrize("cycle", HELD_OUT.all())
def test_no_held_out_progression_is_one_of_a_training_set(cycle):
    same = [known for known in TRAINING.all() if motion_of(known) == motion_of(cycle)]
    assert same == []


# -- what counts as the same ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("I V vi IV", "vi IV I V"),
        ("I V vi IV", "i bVI bIII bVII"),
        ("I IV", "V I"),
        ("I7 I7 IV7 IV7", "I IV"),
        ("i iv i iv", "i7 iv7"),
        ("I V/IV vi IV", "I V vi IV"),
    ],
)
def test_rotation_key_sevenths_and_held_chords_make_no_difference(one, other):
    assert motion_of(one) == motion_of(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [("I V vi IV", "I vi V IV"), ("I IV", "I iv"), ("I IV", "I V I IV"), ("I V", "i v")],
)
def test_other_chords_or_another_order_do(one, other):
    assert motion_of(one) != motion_of(other)


def test_the_motion_by_hand():
    """From I (major) 9 up to vi (minor), from there 8 up to IV, and 7 up to I."""
    assert motion_of("I vi IV") == ((7, False), (9, False), (8, True))
    assert motion_of("I I") == ((0, False),)
