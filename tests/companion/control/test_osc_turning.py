"""Normalised twins: each knob from 0 to 1, in and out."""

from __future__ import annotations

import math
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.osc import OscKnobs
from companion.control.osc_turning import all_knob_messages, knob_messages, turn
from companion.control.parameters import CONTROLLER_STEPS, PARAMETERS, Parameter
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError


def store() -> ParameterStore:
    return ParameterStore({}, {"bass": {}, "drums": {}})


def sent(number: float) -> float:
    """A number as a message's float32 has it."""
    return struct.unpack(">f", struct.pack(">f", number))[0]


knobs = st.sampled_from([knob for knob in PARAMETERS if knob.kind != "trigger"])


@given(knobs, st.floats(0, 1))
def test_what_a_position_sets_is_told_as_a_position_that_sets_the_same(
    knob: Parameter, position: float
) -> None:
    value = knob.at(position)
    back = knob.position(value)
    assert 0.0 <= back <= 1.0
    again = knob.at(sent(back))
    if isinstance(value, float):
        assert again == pytest.approx(value, rel=1e-5, abs=1e-4)
    else:
        assert again == value


@given(knobs, st.integers(0, CONTROLLER_STEPS))
def test_a_twin_and_a_controller_set_the_same(knob: Parameter, step: int) -> None:
    player = None if knob.scope == "rig" else "bass"
    one, other = store(), store()
    one.set_position(knob.name, step / CONTROLLER_STEPS, player, "midi")
    turn(other, f"{knob.address(player)}/normalised", (sent(step / CONTROLLER_STEPS),))
    a, b = one.snapshot(player)[knob.name], other.snapshot(player)[knob.name]
    assert a == (pytest.approx(b, rel=1e-5, abs=1e-4) if isinstance(b, float) else b)


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_a_default_is_told_as_a_position_that_sets_it_exactly(knob: Parameter) -> None:
    assert knob.at(sent(knob.position(knob.default))) == knob.default


@given(knobs.filter(lambda knob: knob.kind == "number"), st.data())
def test_positions_rise_with_the_value(knob: Parameter, data: st.DataObject) -> None:
    values = st.floats(knob.minimum, knob.maximum)
    low, high = sorted((data.draw(values), data.draw(values)))
    assert knob.position(low) <= knob.position(high) + 1e-9


def test_twins_turn_one_player_all_of_them_or_the_rig() -> None:
    knobs = store()
    turn(knobs, "/companion/bass/instrument/normalised", (0.0,))
    turn(knobs, "/companion/*/level/normalised", (1.0,))
    turn(knobs, "/companion/cycle/normalised", (True,))
    turn(knobs, "/companion/dr*/mu?e/normalised", (0.7,))
    moved = [(each.name, each.player, each.new) for each in knobs.drain()]
    assert moved == [
        ("instrument", "bass", "piano"),
        ("level", "bass", 6.0),
        ("level", "drums", 6.0),
        ("cycle", None, 16),
        ("mute", "drums", True),
    ]


def test_what_is_outside_0_to_1_is_clamped_and_said() -> None:
    knobs = store()
    said = turn(knobs, "/companion/bass/level/normalised", (1.5,))
    assert said == "level is 1.5, taken as 1; valid: from 0 to 1"
    assert knobs.snapshot("bass")["level"] == 6.0


@pytest.mark.parametrize("value", ["loud", math.nan], ids=str)
def test_what_is_no_position_is_refused(value: object) -> None:
    with pytest.raises(CompanionError, match=r"level is .*; valid: from 0 to 1"):
        turn(store(), "/companion/bass/level/normalised", (value,))


@pytest.mark.parametrize(
    "address",
    ["/companion/normalised", "/companion/bass/normalised", "/companion/bass/level/x/normalised"],
)
def test_a_twin_of_nothing_is_no_address(address: str) -> None:
    knobs = OscKnobs(store())
    knobs.receive(address, 0.5)
    assert (knobs.accepted, knobs.rejected) == (0, 1)


def test_a_knob_is_told_at_the_addresses_that_turn_it() -> None:
    other = store()
    for message in knob_messages("temperature", "bass", 0.5):
        turn(other, message[0], tuple(message[1]))
        assert other.snapshot("bass")["temperature"] == pytest.approx(0.5)
        turn(other, "/companion/bass/temperature", (1.0,))


def test_all_there_is_to_tell_of_a_player_sets_another_rig_the_same() -> None:
    one, other = store(), store()
    turn(one, "/companion/bass/{level,temperature,steps}/normalised", (0.3,))
    turn(one, "/companion/bass/{instrument,take,mute}/normalised", (0.9,))
    for address, arguments in all_knob_messages(one, "bass")[::2]:
        turn(other, address, tuple(arguments))
    assert other.snapshot("bass") == one.snapshot("bass")
