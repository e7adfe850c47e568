"""A control's place and its knob's value are each other's, over every knob of the table."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.midi_scale import BENDS, Scale
from companion.control.parameters import BY_NAME, CONTROLLER_STEPS, PARAMETERS
from companion.control.relative import ENCODINGS, ticks, turned

STANDS = st.floats(0, 1)
KNOBS = st.sampled_from(PARAMETERS)
VALUED = [knob for knob in PARAMETERS if knob.kind in ("number", "whole", "choice")]


@st.composite
def scales(draw: st.DrawFn) -> Scale:
    knob = draw(KNOBS)
    ends = [draw(st.none() | STANDS.map(knob.at)) for _ in range(2)]
    return Scale(knob, *ends, draw(st.sampled_from(BENDS)), draw(st.booleans()))


@given(KNOBS, STANDS)
def test_a_knob_at_the_position_of_its_value_has_that_value(knob, position: float) -> None:
    value = knob.at(position)
    again = knob.at(knob.position(value))
    assert again == (pytest.approx(value) if knob.kind == "number" else value)


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_the_default_is_on_a_step_of_a_controller(knob) -> None:
    if knob.kind in ("number", "whole"):
        step = knob.position(knob.default) * CONTROLLER_STEPS
        assert step == pytest.approx(round(step))


@given(scales(), STANDS)
def test_a_scale_is_undone_by_itself(scale: Scale, stand: float) -> None:
    value = scale.value(stand)
    again = scale.value(scale.stand(value))
    if scale.limits[0] != scale.limits[1]:
        assert scale.knob.position(again) == pytest.approx(scale.knob.position(value), abs=1e-6)


@given(scales(), STANDS, STANDS)
def test_a_scale_goes_one_way(scale: Scale, one: float, other: float) -> None:
    low, high = sorted((one, other))
    first, last = scale.limits
    upwards = (last >= first) is not scale.invert
    places = [scale.knob.position(scale.value(stand)) for stand in (low, high)]
    assert (places if upwards else places[::-1]) == sorted(places) or first == last


def test_its_ends_are_exact_and_the_middle_lies_as_it_is_bent() -> None:
    knob = BY_NAME["guidance_audio"]
    for bend, middle in zip(BENDS, (2.0, 1.3, 2.7), strict=True):
        scale = Scale(knob, 1.0, 3.0, bend)
        assert (scale.value(0), scale.value(1)) == (1.0, 3.0)
        assert scale.value(0.5) == pytest.approx(middle, abs=0.02)
        turned_round = Scale(knob, 1.0, 3.0, bend, invert=True)
        assert (turned_round.value(0), turned_round.value(1)) == (3.0, 1.0)
    assert Scale(knob, 3.0, 1.0).value(0.25) == pytest.approx(2.5, abs=0.02)


class TestRelative:
    @given(st.integers(-63, 63))
    def test_each_encoding_is_read(self, way: int) -> None:
        said = {
            "twos complement": way % 128,
            "signed bit": abs(way) + (64 if way < 0 else 0),
            "binary offset": 64 + way,
        }
        assert {
            encoding: ticks(encoding, said[encoding]) for encoding in ENCODINGS
        } == dict.fromkeys(ENCODINGS, way)

    @given(st.sampled_from(VALUED), STANDS, st.lists(st.integers(-64, 63), max_size=10))
    def test_turns_stay_in_range_and_back_is_where_it_was(
        self, knob, position: float, ways: list[int]
    ) -> None:
        scale, value = Scale(knob), knob.at(position)
        left = 0.0
        for way in ways:
            value, left = turned(scale, value, way + left)
            assert knob.check(value) == value and abs(left) < 1
        there, _ = turned(scale, value, 1)
        back, _ = turned(scale, there, -1)
        if there != knob.at(1.0):
            expected = pytest.approx(value) if knob.kind == "number" else value
            assert back == expected

    @pytest.mark.parametrize("knob", VALUED, ids=lambda knob: knob.name)
    def test_enough_ticks_reach_both_ends(self, knob) -> None:
        scale, value = Scale(knob), knob.default
        for way, end in ((1, 1.0), (-1, 0.0)):
            for _ in range(200):
                value, _ = turned(scale, value, way)
            assert value == pytest.approx(knob.at(end)) if knob.kind == "number" else knob.at(end)

    def test_a_range_is_not_left_and_may_be_turned_round(self) -> None:
        scale = Scale(BY_NAME["cycle"], 2, 8)
        assert turned(scale, 4, 100) == (8, 0.0)
        assert turned(scale, 4, -100) == (2, 0.0)
        assert turned(Scale(BY_NAME["cycle"], 8, 2), 4, 1) == (3, 0.0)
        assert turned(Scale(BY_NAME["cycle"], invert=True), 4, 1) == (3, 0.0)

    def test_parts_of_a_tick_add_up(self) -> None:
        scale = Scale(BY_NAME["cycle"])
        value, left = turned(scale, 4, 0.75)
        assert (value, left) == (4, 0.75)
        assert turned(scale, value, left + 0.75) == (5, 0.5)
