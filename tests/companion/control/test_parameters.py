"""One table: whatever MIDI, OSC or a preset says ends inside a knob's range, or is refused."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from companion.control.parameters import BY_NAME, PARAMETERS, Parameter, parameter
from companion.system.errors import CompanionError
from model.instruments import instrument_index
from model.request import FORMS
from tests.companion.control.reference import reference

knobs = st.sampled_from(PARAMETERS)
positions = st.floats(0.0, 1.0)
NUMBERS = [knob for knob in PARAMETERS if knob.kind in ("number", "whole")]


def test_the_knobs_that_were_promised_are_there() -> None:
    assert set(BY_NAME) == {
        *("guidance_audio", "guidance_instrument", "guidance_clock", "guidance_form"),
        *("guidance_harmony", "guidance_sound", "sound"),
        *("causal_bias", "confidence", "randomness", "temperature", "steps", "instrument"),
        *("level", "mute", "hold", "regenerate", "again", "undo", "take"),
        *("cycle", "find_cycle", "order", "lock", "broken_cycle", "monitor"),
        *("clock", "bpm", "tap", "metronome", "echo_guard"),
    }


def test_no_two_knobs_share_a_name_an_address_or_a_controller() -> None:
    controllers = [knob.cc for knob in PARAMETERS if knob.cc is not None]
    addresses = {knob.address(None if knob.scope == "rig" else "bass") for knob in PARAMETERS}
    assert len(BY_NAME) == len(addresses) == len(PARAMETERS)
    assert len(set(controllers)) == len(controllers)
    assert all(0 <= cc <= 119 for cc in controllers)


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_a_default_is_valid(knob: Parameter) -> None:
    assert knob.check(knob.default) == knob.default


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_a_knob_says_what_it_does_in_one_sentence(knob: Parameter) -> None:
    assert knob.description[0].isupper() and knob.description.endswith(".")
    assert not {"|", "\n"} & set(knob.description)


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_a_controller_reaches_every_choice_and_both_sides_of_a_switch(knob: Parameter) -> None:
    reached = {knob.at(cc / 127) for cc in range(128)}
    if knob.kind == "choice":
        assert reached == set(knob.choices)
    elif knob.kind in ("switch", "trigger"):
        assert reached == {False, True}


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_a_controller_reaches_the_default_exactly(knob: Parameter) -> None:
    assert knob.default in {knob.at(cc / 127) for cc in range(128)}


@given(
    st.sampled_from(NUMBERS),
    st.tuples(st.floats(0.1, 99.0), st.floats(0.1, 99.0), st.floats(0.1, 99.0)),
    st.sampled_from(["linear", "exponential"]),
    st.data(),
)
def test_so_it_would_any_other_and_loses_nothing_else(
    knob: Parameter, numbers: tuple[float, float, float], curve: str, data: st.DataObject
) -> None:
    low, default, high = sorted(numbers)
    assume(high > 1.01 * low)
    made = replace(
        knob, kind="number", minimum=low, default=default, maximum=high, curve=curve, choices=()
    )
    values = [made.at(cc / 127) for cc in range(128)]
    assert default in values
    assert values == sorted(values)
    assert (values[0], values[-1]) == (low, pytest.approx(high))
    assert values.count(default) == 1
    middle = math.sqrt(low * high) if curve == "exponential" else (low + high) / 2
    assert values[63] < middle < values[64] or default == pytest.approx(middle, rel=0.05)
    for number in data.draw(st.lists(st.floats(0, 1), max_size=5).map(sorted)):
        steps = math.floor(number * 127), math.ceil(number * 127)
        assert values[steps[0]] <= made.at(number) <= values[steps[1]] * (1 + 1e-12)


def test_a_fader_reaches_0_db() -> None:
    level = parameter("level")
    assert [level.at(cc / 127) for cc in (114, 115, 116)] == [
        pytest.approx(-0.756, abs=1e-3),
        0.0,
        pytest.approx(0.283, abs=1e-3),
    ]


@pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
def test_an_exponential_curve_starts_above_nothing(knob: Parameter) -> None:
    assert knob.curve == "linear" or knob.minimum > 0.0


@given(knobs, positions)
def test_every_position_of_a_controller_is_a_valid_value(knob: Parameter, position: float) -> None:
    value = knob.at(position)
    assert knob.check(value) == value


@given(knobs, positions, positions)
def test_turning_up_never_turns_down(knob: Parameter, one: float, other: float) -> None:
    low, high = (_order(knob, knob.at(position)) for position in sorted((one, other)))
    assert low <= high


@given(knobs)
def test_the_ends_of_a_controller_are_the_ends_of_the_range(knob: Parameter) -> None:
    assert _order(knob, knob.at(0.0)) == knob.minimum
    assert _order(knob, knob.at(1.0)) == pytest.approx(knob.maximum)


@given(knobs, st.floats(allow_nan=False, allow_infinity=False))
def test_any_number_ends_inside_the_range(knob: Parameter, number: float) -> None:
    value = knob.clamp(number)
    assert knob.check(value) == value


@given(st.sampled_from(NUMBERS), st.data())
def test_a_number_inside_the_range_is_kept(knob: Parameter, data: st.DataObject) -> None:
    if knob.kind == "whole":
        number: float = data.draw(st.integers(int(knob.minimum), int(knob.maximum)))
    else:
        number = data.draw(st.floats(knob.minimum, knob.maximum))
    assert knob.clamp(number) == knob.check(number) == number


@pytest.mark.parametrize("number", [math.nan, math.inf, -math.inf])
@given(knobs)
def test_what_is_no_number_is_refused(number: float, knob: Parameter) -> None:
    with pytest.raises(CompanionError, match=knob.name):
        knob.clamp(number)


@pytest.mark.parametrize(
    ("name", "value", "valid"),
    [
        ("guidance_audio", 6.1, "from 0 to 6"),
        ("guidance_audio", -0.1, "from 0 to 6"),
        ("guidance_audio", "much", "from 0 to 6"),
        ("guidance_audio", True, "from 0 to 6"),
        ("guidance_audio", math.nan, "from 0 to 6"),
        ("steps", 2.5, "a whole number from 1 to 64"),
        ("steps", 0, "a whole number from 1 to 64"),
        ("level", -61, "from -60 to 6 dB"),
        ("mute", 1, "true or false"),
        ("mute", "yes", "true or false"),
        ("guidance_form", "joined", "product"),
        ("instrument", "bas", "piano"),
        ("instrument", 4, "bass"),
        ("level", None, "from -60 to 6 dB"),
        ("level", [1.0], "from -60 to 6 dB"),
    ],
)
def test_a_wrong_value_is_named_with_what_would_be_valid(
    name: str, value: object, valid: str
) -> None:
    with pytest.raises(CompanionError) as error:
        parameter(name).check(value)
    message = str(error.value)
    assert name in message and repr(value) in message and valid in message
    assert "\n" not in message


@pytest.mark.parametrize("value", ["x" * 10_000, "a\nb", 10**300, [[[1]]] * 1000, {"a": "b"}])
@given(knobs)
def test_a_message_is_one_short_line_whatever_was_given(value: object, knob: Parameter) -> None:
    with pytest.raises(CompanionError) as error:
        knob.check(value)
    message = str(error.value)
    assert message.startswith(f"{knob.name} is ") and "; valid: " in message
    assert len(message.splitlines()) == 1 and len(message) < 500


def test_a_whole_number_stays_one() -> None:
    steps = parameter("steps")
    assert isinstance(steps.check(12.0), int)
    assert isinstance(steps.at(0.37), int)
    assert isinstance(parameter("level").check(-3), float)


def test_a_switch_is_on_from_the_middle() -> None:
    mute = parameter("mute")
    assert [mute.at(cc / 127) for cc in (0, 63, 64, 127)] == [False, False, True, True]


def test_an_exponential_knob_has_equal_ratios() -> None:
    temperature = parameter("temperature")
    low, middle, high = (_order(temperature, temperature.at(at)) for at in (0.2, 0.4, 0.6))
    assert middle / low == pytest.approx(high / middle)


def test_a_decibel_knob_is_even_in_decibels() -> None:
    assert parameter("level").at(0.5) == pytest.approx(-27.0)


def test_the_choices_are_what_the_model_knows() -> None:
    assert parameter("guidance_form").choices == FORMS
    for index, name in enumerate(parameter("instrument").choices):
        assert instrument_index(name) == index


def test_an_address_has_the_player_in_the_middle() -> None:
    assert parameter("level").address("bass") == "/companion/bass/level"
    assert parameter("level").address("*") == "/companion/*/level"
    assert parameter("cycle").address() == "/companion/cycle"


def test_an_unknown_knob_is_answered_with_the_nearest() -> None:
    with pytest.raises(CompanionError, match=r"'guidence_audio'.*nearest: guidance_audio"):
        parameter("guidence_audio")


def test_a_knob_of_the_rig_is_none_of_a_player() -> None:
    with pytest.raises(CompanionError, match="'cycle'"):
        parameter("cycle", "player")


def test_the_reference_has_a_row_for_every_knob() -> None:
    heading, rule, *rows = reference().splitlines()
    columns = heading.count("|")
    assert set(rule) == {"|", "-"}
    assert len(rows) == len(PARAMETERS)
    for knob, row in zip(PARAMETERS, rows, strict=True):
        assert row.startswith(f"| `{knob.name}` | {knob.scope} |")
        assert row.endswith(f"| {knob.acts} | {knob.description} |")
        assert knob.cc is None or f"| {knob.cc} |" in row
        assert row.count("|") == columns


def _order(knob: Parameter, value: object) -> float:
    """Where a value lies in the range, as a number."""
    if knob.kind == "choice":
        return float(knob.choices.index(str(value)))
    assert isinstance(value, (int, float))
    return float(value)
