"""Chords on a keyboard: what is held is the chord, in any order, until it is let go."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.keyboard import Keyboard
from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_message import Control, Move
from companion.control.store import ParameterStore
from companion.listen.chart import read_chart
from companion.listen.chord import Chord, chord_of
from companion.listen.harmony import Harmony

BAR = 4


def now(harmony: Harmony) -> Chord | None:
    harmony.catch_up(BAR)
    return harmony.at(BAR, Fraction(0))


def note(number: int, down: bool, channel: int = 1) -> Move:
    return Move(Control("note", channel, number), 100 if down else 0)


@given(st.lists(st.tuples(st.integers(0, 127), st.booleans(), st.integers(1, 3)), max_size=40))
def test_what_is_held_is_the_chord(strokes: list[tuple[int, bool, int]]) -> None:
    harmony = Harmony(read_chart("| Am |", 4))
    keyboard = Keyboard(harmony, True)
    held: set[tuple[int, int]] = set()
    for number, down, channel in strokes:
        keyboard.moved("Keystation", note(number, down, channel))
        (held.add if down else held.discard)((number, channel))
        expected = chord_of({number for number, _ in held})
        assert now(harmony) == (expected or chord_of([57, 60, 64])), (
            "the chart's where none is held"
        )


@pytest.mark.parametrize(
    ("wanted", "hears"), [(True, True), ("keystation", True), ("Launchpad", False), (False, False)]
)
def test_only_the_one_that_is_wanted_tells_chords(wanted: str | bool, hears: bool) -> None:
    harmony = Harmony()
    Keyboard(harmony, wanted).moved("Keystation 49", note(60, True))
    assert (now(harmony) is not None) == hears


def test_keys_that_were_down_on_a_keyboard_that_goes_are_let_go() -> None:
    harmony = Harmony()
    keyboard = Keyboard(harmony, True)
    keyboard.moved("one", note(60, True))
    keyboard.moved("two", note(64, True))
    keyboard.forget("one")
    assert now(harmony) == chord_of([64])
    keyboard.forget("two")
    keyboard.forget("three")
    assert now(harmony) is None


def test_a_note_that_a_mapping_means_is_no_chord() -> None:
    harmony, store = Harmony(), ParameterStore({}, {"bass": {}})
    keyboard = Keyboard(harmony, True)
    mapping = MidiMapping(36, "regenerate", "bass", kind="note", mode="momentary")
    knobs = MidiKnobs(store, [mapping], on_free=keyboard.moved)
    for number in (36, 60):
        knobs.receive((0x90, number, 90), 0.0, "pads")
    assert now(harmony) == chord_of([60])
    assert store.take_trigger("bass", "regenerate")
