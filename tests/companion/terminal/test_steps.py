"""Keys turn a knob as the page's do, and never out of its range."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.parameters import BY_NAME, PARAMETERS, Parameter
from companion.terminal.steps import step_of, stepped, written

NUMBERS = [knob for knob in PARAMETERS if knob.kind in ("number", "whole")]


@given(st.sampled_from(NUMBERS), st.floats(0, 1), st.sampled_from([-10, -1, 1, 10]))
def test_a_step_stays_in_the_range_and_moves_unless_at_its_end(
    knob: Parameter, place: float, steps: int
) -> None:
    value = float(knob.at(place))
    after = float(knob.check(stepped(knob, value, steps)))
    if steps > 0:
        assert after > value or value == knob.maximum
    else:
        assert after < value or value == knob.minimum


@pytest.mark.parametrize("knob", NUMBERS, ids=lambda knob: knob.name)
def test_so_many_steps_lead_from_one_end_to_the_other(knob: Parameter) -> None:
    value, taken = knob.minimum, 0
    while value < knob.maximum:
        value, taken = float(stepped(knob, value, 1)), taken + 1
    assert taken <= 301
    assert step_of(knob) > 0


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("temperature", 1.0, "1.00"),
        ("level", -12.0, "−12.0 dB"),
        ("level", -60.0, "off"),
        ("bpm", 96.0, "96 BPM"),
        ("steps", 8, "8"),
        ("cycle", 8, "8 bars"),
        ("cycle", 1, "1 bar"),
        ("hold", True, "on"),
        ("take", "off", "off"),
        ("again", False, ""),
    ],
)
def test_a_value_is_written_with_its_unit(name: str, value: object, text: str) -> None:
    assert written(BY_NAME[name], value) == text  # type: ignore[arg-type]
