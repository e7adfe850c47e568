"""A movement says what control it is of only where that is sure."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.gesture import PAIR_S, PAUSE_S, Gesture, encoding_of
from companion.control.midi_message import Control


@pytest.mark.parametrize(
    ("values", "encoding"),
    [
        ([1, 1, 1, 127, 127], "twos complement"),
        ([1, 2, 2, 1, 126, 126], "twos complement"),
        ([1, 1, 65, 65], "signed bit"),
        ([66, 65, 65, 63, 63], "binary offset"),
        ([1, 1, 1, 1], None),  # one way only
        ([1, 1, 127, 0, 127], None),
        ([127, 127, 127], None),  # a button without a release
        ([127, 0, 127, 0], None),
        ([1, 2, 3, 4, 3, 2, 1], None),  # a fader near its end
        ([63, 64, 65, 66, 65, 64], None),
    ],
)
def test_an_encoder_is_known_by_small_steps_both_ways_that_repeat(
    values: list[int], encoding: str | None
) -> None:
    assert encoding_of(values) == encoding


@given(st.integers(0, 127), st.lists(st.sampled_from([-1, 1]), max_size=40))
def test_a_control_with_ends_is_never_taken_for_one_without(start: int, ways: list[int]) -> None:
    values = [start]
    for way in ways:
        values.append(min(max(values[-1] + way, 0), 127))
    moved = [value for value, before in zip(values[1:], values, strict=False) if value != before]
    assert encoding_of([start, *moved]) is None


def gesture(numbers: list[int], apart_s: float = PAIR_S / 4) -> Gesture:
    made, at_s = Gesture("pad", Control("cc", 1, numbers[0]), 0.0), 0.0
    for number in numbers:
        control = Control("cc", 1, number)
        assert made.includes("pad", control, at_s)
        made.take(control, 1, at_s)
        at_s += apart_s
    return made


def test_both_halves_again_and_again_are_one_control_of_14_bits() -> None:
    assert gesture([20, 52, 20, 52]).found == Control("cc14", 1, 20)
    assert gesture([52, 20, 52, 20]).found == Control("cc14", 1, 20)
    assert gesture([20, 52]).found == Control("cc", 1, 20)
    assert gesture([20, 20, 20]).found == Control("cc", 1, 20)


def test_it_is_over_after_a_pause_and_has_nothing_of_others() -> None:
    made = gesture([20])
    assert not made.over(PAUSE_S / 2) and made.over(PAUSE_S)
    assert not made.includes("pad", Control("cc", 1, 21), 0.0)
    assert not made.includes("pad", Control("cc", 2, 20), 0.0)
    assert not made.includes("other", Control("cc", 1, 20), 0.0)
    assert not made.includes("pad", Control("cc", 1, 52), 2 * PAIR_S)
