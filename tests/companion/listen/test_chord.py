"""Chords are read as charts spell them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.listen.chord import chord_of, read_chord
from companion.system.errors import CompanionError


@pytest.mark.parametrize(
    ("name", "pitch_classes", "bass"),
    [
        ("Am", {9, 0, 4}, 9),
        (
            "am",
            {
                9,
                0,
                4,
            },
            9,
        ),
        ("G7/B", {7, 11, 2, 5}, 11),
        ("F#m7b5", {6, 9, 0, 4}, 6),
        ("B♭maj7", {10, 2, 5, 9}, 10),
        ("C-7", {0, 3, 7, 10}, 0),
        ("Eb-", {3, 6, 10}, 3),
        ("A7-5", {9, 1, 3, 7}, 9),
        ("Gm(maj7)", {7, 10, 2, 6}, 7),
        ("C△7", {0, 4, 7, 11}, 0),
        ("Bø7", {11, 2, 5, 9}, 11),
        ("B°", {11, 2, 5}, 11),
        ("Dmin7", {2, 5, 9, 0}, 2),
        ("E+", {4, 8, 0}, 4),
        ("Csus4", {0, 5, 7}, 0),
        ("Am/D", {9, 0, 4, 2}, 2),
    ],
)
def test_a_name_is_its_pitch_classes_and_its_bass(name, pitch_classes, bass):
    chord = read_chord(name)
    assert chord is not None
    assert chord.pitch_classes == pitch_classes and chord.bass == bass


@pytest.mark.parametrize("name", ["N.C.", "nc", " n.c. ", "-"])
def test_no_chord_is_none(name):
    assert read_chord(name) is None


@pytest.mark.parametrize("name", ["", "X", "Hello", "C7x", "/", "A/", "%", "C" * 200, "A/Q"])
def test_what_is_no_chord_is_named_in_one_line(name):
    with pytest.raises(CompanionError, match=r"^chord is .*; valid: names such as Am") as error:
        read_chord(name)
    assert "\n" not in str(error.value)


@given(st.text(max_size=12))
def test_whatever_is_written_is_a_chord_or_refused(name):
    try:
        chord = read_chord(name)
    except CompanionError:
        return
    assert chord is None or chord.bass in chord.pitch_classes


@given(st.lists(st.integers(0, 127), max_size=10))
def test_held_notes_are_a_chord_over_the_lowest(notes):
    chord = chord_of(notes)
    if not notes:
        assert chord is None
        return
    assert chord is not None
    assert chord.bass == min(notes) % 12 and chord.pitch_classes == {note % 12 for note in notes}


def test_the_generator_is_told_pitch_classes_then_bass():
    told = read_chord("G7/B").told()
    assert told.dtype == np.float32
    assert np.flatnonzero(told).tolist() == [2, 5, 7, 11, 12 + 11]
