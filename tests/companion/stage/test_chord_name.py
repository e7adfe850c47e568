"""What a chord that is held or sent is called."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.listen.chord import Chord, chord_of, read_chord
from companion.stage.chord_name import chord_name


@pytest.mark.parametrize("name", ["C", "Am", "F#m", "G7", "Bbmaj7", "G7/B", "C/E", "Dm7"])
def test_a_chord_has_its_own_name(name: str) -> None:
    assert chord_name(read_chord(name)) == name


def test_no_chord_and_no_name() -> None:
    assert chord_name(None) == "N.C."
    assert chord_name(chord_of([60, 61, 62])) == "C Db D"


@settings(max_examples=30)
@given(st.frozensets(st.integers(0, 11), max_size=12), st.integers(0, 11))
def test_whatever_is_held_has_a_name_that_means_it(notes: frozenset[int], bass: int) -> None:
    held = Chord(notes | {bass}, bass)
    name = chord_name(held)
    if " " not in name and len(held.pitch_classes) > 1:
        assert read_chord(name) == held
