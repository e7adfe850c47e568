"""A mapping is read as it is written, and turns its knob as it says."""

from __future__ import annotations

import re
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import (
    KINDS,
    MAPPING_KEYS,
    MODES,
    NUMBERS,
    MidiMapping,
    read_mapping,
)
from companion.control.midi_message import Move
from companion.control.midi_scale import BENDS
from companion.control.parameters import BY_NAME, PARAMETERS, Value
from companion.control.relative import ENCODINGS
from companion.control.store import ParameterStore
from companion.control.takeover import TAKEOVERS
from companion.control.yaml_section import Section
from companion.control.yaml_text import read_yaml
from companion.system.errors import CompanionError

PLAYERS = ("bass", "keys")
CC = 0xB0


def read(text: str) -> MidiMapping:
    content = read_yaml(text, "preset mine.yaml")
    return read_mapping(Section(content, "mine.yaml", MAPPING_KEYS, "midi.map[0]."), PLAYERS)


class Hands:
    """Controllers that turn the knobs of two players by one mapping or more."""

    def __init__(self, *mappings: str, **values: Any) -> None:
        self.store = ParameterStore({}, {"bass": values, "keys": {}})
        self.knobs = MidiKnobs(self.store, [read(each) for each in mappings])
        self.now_s = 0.0

    def send(self, *message: int, device: str = "pad") -> None:
        self.now_s += 0.05
        self.knobs.receive(message, self.now_s, device)
        self.knobs.settle(self.now_s + 0.02)

    def cc(self, *values: int, number: int = 1) -> list[Value]:
        """What was turned to, by each of a controller's values."""
        for value in values:
            self.send(CC, number, value)
        return self.turned()

    def turned(self) -> list[Value]:
        return [change.new for change in self.store.drain()]


@st.composite
def mappings(draw: st.DrawFn) -> MidiMapping:
    """Any that can be written."""
    kind = draw(st.sampled_from(KINDS))
    able = [knob for knob in PARAMETERS if kind != "program" or knob.kind == "choice"]
    knob = draw(st.sampled_from(able))
    valued = knob.kind != "trigger"
    button = kind in ("cc", "note") and valued
    mode = draw(st.sampled_from(MODES if kind == "note" else (None, *MODES))) if button else None
    relative = kind == "cc" and mode is None and valued and draw(st.booleans())
    ended = kind not in ("note", "program") and mode is None and not relative
    ends = [draw(st.none() | st.floats(0, 1).map(knob.at)) for _ in range(2)]
    return MidiMapping(
        number=draw(st.sampled_from(NUMBERS[kind])) if kind in NUMBERS else 0,
        parameter=knob.name,
        player=draw(st.sampled_from((*PLAYERS, "*"))) if knob.scope == "player" else None,
        channel=draw(st.none() | st.integers(1, 16)),
        kind=kind,
        device=draw(st.none() | st.sampled_from(("nanoKONTROL2", "on", "#1: a"))),
        start=ends[0],
        end=ends[1],
        curve=draw(st.sampled_from(BENDS)),
        invert=draw(st.booleans()),
        relative=draw(st.sampled_from(ENCODINGS)) if relative else None,
        sensitivity=draw(st.floats(0.01, 100)),
        mode=mode,
        takeover=draw(st.sampled_from(TAKEOVERS)) if ended else "immediate",
        feedback=draw(st.booleans()),
        light=draw(st.tuples(*[st.integers(0, 127)] * 2)),
        light_channel=draw(st.none() | st.integers(1, 16)),
    )


@given(mappings())
def test_what_a_mapping_says_reads_as_it(mapping: MidiMapping) -> None:
    assert read(yaml.safe_dump(mapping.content())) == mapping


@given(mappings(), st.lists(st.lists(st.integers(0, 255), max_size=3), max_size=10))
def test_no_mapping_makes_a_value_invalid(mapping: MidiMapping, messages: list[list[int]]) -> None:
    store = ParameterStore({}, {player: {} for player in PLAYERS})
    knobs = MidiKnobs(store, [mapping])
    for number, message in enumerate(messages):
        knobs.receive(message, float(number), mapping.device or "")
    knobs.settle(99.0)
    for change in store.drain():
        assert BY_NAME[change.name].check(change.new) == change.new


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("parameter: cycle", "cc is None; valid: a value, it is required, or one of cc14, nrpn"),
        ("{cc: 1, note: 2, parameter: cycle}", "note is 2; valid: cc alone, a control is one"),
        ("{cc14: 32, parameter: cycle}", "cc14 is 32; valid: 0 to 31"),
        ("{nrpn: 16383, parameter: cycle}", "nrpn is 16383; valid: 0 to 16382"),
        ("{bend: 3, parameter: cycle}", "bend is 3; valid: true or false"),
        ("{bend: false, parameter: cycle}", "bend is False; valid: true, or left out"),
        ("{program: 1, parameter: cycle}", "parameter is 'cycle'; valid: one of several choices"),
        ("{cc: 1, parameter: cycle, from: 0}", "from is 0; valid: a whole number from 1 to 16"),
        ("{cc: 1, parameter: lock, to: 1}", "to is 1; valid: true or false"),
        ("{cc: 1, parameter: cycle, curve: bent}", "curve is 'bent'; valid: linear, exponential"),
        ("{note: 1, parameter: cycle, relative: signed bit}", "valid: a cc and a knob"),
        ("{cc: 1, parameter: tap, relative: signed bit}", "valid: a cc and a knob"),
        ("{cc: 1, parameter: cycle, relative: signed}", "nearest: signed bit; valid: twos"),
        ("{cc: 1, parameter: cycle, sensitivity: 0}", "sensitivity is 0; valid: 0.01 to 100"),
        ("{bend: true, parameter: cycle, mode: toggle}", "mode is 'toggle'; valid: no mode"),
        ("{note: 1, parameter: cycle, takeover: scaled}", "takeover is 'scaled'; valid: immediate"),
        ("{cc: 1, parameter: cycle, takeover: soft}", "takeover is 'soft'; valid: immediate, pick"),
        ("{note: 1, parameter: lock, light: [0, 200]}", "light is [0, 200]; valid: two whole"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(CompanionError) as error:
        read(text)
    assert message in str(error.value)
    assert re.match(r"preset mine.yaml(, line \d+)?: midi\.map\[0\]\.", str(error.value))


class TestTurns:
    def test_a_range_is_in_the_units_of_the_knob(self) -> None:
        hands = Hands("{cc: 1, parameter: guidance_audio, player: bass, from: 1.0, to: 4.0}")
        assert hands.cc(0, 127) == [1.0, 4.0]

    def test_it_may_be_turned_round(self) -> None:
        hands = Hands("{cc: 1, parameter: level, player: bass, invert: true}")
        assert hands.cc(0, 127) == [6.0, -60.0]

    def test_fourteen_bits_are_finer_than_seven(self) -> None:
        hands = Hands("{cc14: 1, parameter: guidance_audio, player: bass}")
        hands.send(CC, 1, 100)
        hands.turned()
        for lsb in (1, 2):
            hands.send(CC, 33, lsb)
        one, two = hands.turned()
        assert 0 < two - one < 6 / 16000

    def test_a_parameter_by_number_turns_its_knob(self) -> None:
        hands = Hands("{nrpn: 300, parameter: guidance_audio, player: bass}")
        for number, value in ((99, 2), (98, 44), (6, 127), (38, 127)):
            hands.send(CC, number, value)
        assert hands.turned()[-1] == 6.0

    def test_bend_and_pressure_turn_knobs(self) -> None:
        hands = Hands(
            "{bend: true, parameter: guidance_audio, player: bass}",
            "{pressure: true, parameter: guidance_clock, player: bass}",
            "{key_pressure: 36, parameter: temperature, player: bass}",
        )
        hands.send(0xE0, 127, 127)
        hands.send(0xD0, 127)
        hands.send(0xA0, 36, 127)
        hands.send(0xA0, 37, 0)
        assert hands.turned() == [6.0, 6.0, 2.0]

    @pytest.mark.parametrize("encoding", ENCODINGS)
    def test_an_encoder_turns_from_where_the_knob_is(self, encoding: str) -> None:
        hands = Hands(f"{{cc: 1, parameter: steps, player: bass, relative: {encoding}}}", steps=8)
        forwards, backwards = {
            "twos complement": (1, 127),
            "signed bit": (1, 65),
            "binary offset": (65, 63),
        }[encoding]
        assert hands.cc(forwards, forwards, backwards) == [9, 10, 9]
        hands.store.set("steps", 30, "bass", "osc")
        assert hands.cc(forwards) == [30, 31]

    def test_a_sensitive_encoder_goes_further(self) -> None:
        relative = "relative: twos complement, sensitivity: 0.5"
        hands = Hands(f"{{cc: 1, parameter: steps, player: bass, {relative}}}")
        assert hands.cc(1, 1, 1, 1) == [9, 10]

    def test_a_pad_switches_on_and_off_press_by_press(self) -> None:
        hands = Hands("{note: 36, parameter: hold, player: bass}")
        for _ in range(2):
            hands.send(0x90, 36, 100)
            hands.send(0x80, 36, 0)
        assert hands.turned() == [True, False]

    def test_or_only_while_it_is_down(self) -> None:
        hands = Hands("{note: 36, parameter: guidance_audio, player: bass, mode: momentary, to: 5}")
        hands.send(0x90, 36, 1)
        hands.send(0x90, 36, 0)
        assert hands.turned() == [5.0, 0.0]

    def test_a_pad_goes_through_choices_or_to_one(self) -> None:
        hands = Hands("{note: 36, parameter: take, player: bass}")
        for _ in range(4):
            hands.send(0x90, 36, 100)
            hands.send(0x80, 36, 0)
        assert hands.turned() == ["a", "b", "off", "a"]
        hands = Hands("{note: 36, parameter: take, player: bass, from: a, to: b}")
        for _ in range(3):
            hands.send(0x90, 36, 100)
            hands.send(0x80, 36, 0)
        assert hands.turned() == ["b", "a", "b"]

    @pytest.mark.parametrize("name", ["again", "undo", "regenerate"])
    def test_a_pad_pulls_a_trigger_each_time_it_goes_down(self, name: str) -> None:
        hands = Hands(f"{{note: 36, parameter: {name}, player: bass}}")
        for _ in range(2):
            hands.send(0x90, 36, 100)
            hands.send(0x80, 36, 64)
        assert hands.turned() == [True, True]

    def test_a_button_of_a_controller_may_toggle(self) -> None:
        hands = Hands("{cc: 1, parameter: mute, player: bass, mode: toggle}")
        assert hands.cc(127, 0, 127, 0, 127) == [True, False, True]

    def test_a_program_chooses_an_instrument_from_its_first_on(self) -> None:
        hands = Hands("{program: 10, parameter: instrument, player: bass}")
        choices = BY_NAME["instrument"].choices
        for program in (10, 12, 9, 127):
            hands.send(0xC0, program)
        assert hands.turned() == [choices[0], choices[2]]

    def test_a_program_that_nobody_means_is_handed_on(self) -> None:
        heard: list[tuple[str, int, int]] = []
        store = ParameterStore({}, {"bass": {}, "keys": {}})
        mapping = read("{program: 0, channel: 1, parameter: instrument, player: bass}")

        def told(device: str, move: Move) -> None:
            heard.append((device, move.control.channel, move.value))

        knobs = MidiKnobs(store, [mapping], on_free=lambda device, move: told(device, move))
        for status in (0xC0, 0xC1):
            knobs.receive((status, 3), 0.0, "pedal")
        assert heard == [("pedal", 2, 3)]

    def test_what_waits_is_seen_with_the_value_it_waits_for(self) -> None:
        text = "{cc: 1, parameter: guidance_audio, player: '*', takeover: pick-up}"
        hands = Hands(text, guidance_audio=4.0)
        assert hands.cc(10) == []
        assert hands.knobs.waits_for == {read(text): {"bass": 4.0, "keys": 3.0}}
        hands.cc(70)
        assert hands.knobs.waits_for == {read(text): {"bass": 4.0}}
        hands.cc(100)
        assert hands.knobs.waits_for == {}
        hands.knobs.forget("pad")
        hands.store.drain()
        assert hands.cc(0) == []

    def test_a_device_hears_its_own_mapping_before_that_of_any(self) -> None:
        hands = Hands(
            "{cc: 1, parameter: steps, player: bass}",
            "{cc: 1, parameter: cycle, device: Nano}",
        )
        hands.send(CC, 1, 127, device="nanoKONTROL2")
        hands.send(CC, 1, 127, device="pad")
        assert [change.name for change in hands.store.drain()] == ["cycle", "steps"]

    def test_what_is_bound_anew_forgets_nothing_it_knew(self) -> None:
        text = "{cc: 1, parameter: steps, player: bass, takeover: pick-up}"
        hands = Hands(text)
        hands.cc(50, 127)
        hands.knobs.bind([read(text), read("{cc: 2, parameter: cycle}")])
        assert hands.cc(0) == [1]
        hands.knobs.bind([])
        assert hands.cc(127) == []
