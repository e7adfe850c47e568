"""A preset's YAML means what a musician means, or is an error of one line."""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from fractions import Fraction
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from companion.control.parameters import BY_NAME, PARAMETERS
from companion.control.preset import (
    DEVICES,
    MidiPreset,
    OscPreset,
    Preset,
    default_mappings,
    parse_preset,
)
from companion.control.preset_text import preset_text
from companion.control.yaml_text import Word, read_yaml, write_yaml
from companion.system.errors import CompanionError

PLAYERS = "players: [{name: bass}]\n"
ON = ("on", "On", "ON", "yes", "Yes", "YES", "y", "Y", "true", "True", "TRUE")
OFF = ("off", "Off", "OFF", "no", "No", "NO", "n", "N", "false", "False", "FALSE")


class TestScalars:
    @pytest.mark.parametrize(
        ("text", "value"),
        [
            *(("12", 12), ("-3", -3), ("+3", 3), ("012", 12), ("08", 8), ("0", 0), ("-012", -12)),
            *(("0x1F", 31), ("0o17", 15), ("1e2", 100.0), ("1E-2", 0.01), (".5", 0.5), ("5.", 5.0)),
            *(
                ("-.5", -0.5),
                ("+1.5", 1.5),
                ("007.50", 7.5),
                (".inf", math.inf),
                ("-.INF", -math.inf),
            ),
            *(("true", True), ("False", False), ("TRUE", True)),
            *(("null", None), ("~", None), ("", None), ("Null", None)),
        ],
    )
    def test_numbers_switches_and_nothing_are_read(self, text: str, value: object) -> None:
        found = read_yaml(f"a: {text}", "it")["a"]
        assert (found, type(found)) == (value, type(value))

    @pytest.mark.parametrize(
        "text",
        [
            *("1_000", "1:30", "12:8", "190:20:30", "20:0", "1.2.3", "3/4", "0b101", "0xg", "1e"),
            *("2026-11-24", "2026-11-24 21:30:07", "=", "tRUE", "nULL", "1,5", "١٢", "−3"),
            *("1 2", "inf", "nan", "Infinity", "+", ".", "e5", "0o8", "1e2.5", "yess"),
        ],
    )
    def test_everything_else_is_text(self, text: str) -> None:
        assert read_yaml(f"a: {text}", "it") == {"a": text}

    @pytest.mark.parametrize("text", [*ON[:8], *OFF[:8]])
    def test_a_bare_word_is_text_that_may_be_a_switch(self, text: str) -> None:
        (bare,) = read_yaml(f"[{text}]", "it")
        assert (bare, type(bare), bare.on) == (text, Word, text in ON)
        for quoted in (f"'{text}'", f'"{text}"', f"!!str {text}"):
            assert [type(each) for each in read_yaml(f"[{quoted}]", "it")] == [str]

    @pytest.mark.parametrize("text", ["!!int 012", "!!float 12", "!!float 1.2e1", "!!int '12'"])
    def test_a_type_may_be_written_before_it(self, text: str) -> None:
        assert read_yaml(f"a: {text}", "it") == {"a": 12}

    @pytest.mark.parametrize(
        "text",
        [
            *("!!int 1_000", "!!int much", "!!int ''", "!!float 1:30", "!!bool maybe", "!!null x"),
            *("!!timestamp soon", "!!binary x", "!!set {a}", "!!omap [a: 1]", "!!pairs [a: 1]"),
            *("!word maybe", "!!merge x", "!!value x", "!!map [a]", "!!seq {a: 1}", "!!str [a]"),
        ],
    )
    def test_one_that_it_is_not_of_is_refused_with_its_line(self, text: str) -> None:
        with pytest.raises(CompanionError, match=r"^it, line 2: .*; valid: YAML$"):
            read_yaml(f"b: 1\na: {text}\n", "it")


class TestKeys:
    @pytest.mark.parametrize(
        ("text", "message"),
        [
            ("a: 1\nb: 2\na: 3", "it, line 3: a is given twice, first in line 1"),
            ("a:\n  b: 1\n  c: 2\n\n  b: 1", "it, line 5: b is given twice, first in line 2"),
            ("x:\n- {a: 1}\n- {b: 1, b: 2}", "it, line 3: b is given twice, first in line 3"),
            ("a: 1\n'a': 1", "it, line 2: a is given twice, first in line 1"),
            ("on: 1\n'on': 1", "it, line 2: on is given twice, first in line 1"),
            ("1: 1\n1: 1", "it, line 2: 1 is given twice, first in line 1"),
        ],
    )
    def test_one_that_is_given_twice_is_refused_with_both_lines(
        self, text: str, message: str
    ) -> None:
        with pytest.raises(CompanionError) as error:
            read_yaml(text, "it")
        assert str(error.value) == f"{message}; valid: each key once"

    def test_a_preset_that_has_its_band_twice_is_refused(self) -> None:
        text = "players:\n  - name: bass\nbpm: 100\nplayers:\n  - name: drums\n"
        with pytest.raises(CompanionError) as error:
            parse_preset(text, "mine.yaml")
        assert str(error.value) == (
            "preset mine.yaml, line 4: players is given twice, first in line 1; "
            "valid: each key once"
        )

    def test_what_is_merged_may_be_given_again(self) -> None:
        text = "a: &a {x: 1, y: 2}\nb: &b {<<: *a, x: 3}\nc: {<<: *b, y: 4}\n"
        found = read_yaml(text, "it")
        assert (found["b"], found["c"]) == ({"x": 3, "y": 2}, {"x": 3, "y": 4})


texts = st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8)
odd = st.sampled_from(
    [*ON, *OFF, "1e2", "08", "012", "0o7", "1_0", "1:30", "2026-11-24", "~", "null", "=", "<<", ""]
)
contents = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | texts | odd,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(texts | odd, inner, max_size=3),
    max_leaves=12,
)


@given(contents)
def test_what_is_written_reads_as_the_same(content: object) -> None:
    text = write_yaml(content)
    assert read_yaml(text, "it") == content
    assert exact(read_yaml(text, "it")) == exact(content)
    assert exact(yaml.safe_load(text)) == exact(content)  # and so it does elsewhere


def exact(content: Any) -> Any:
    """With the type of each scalar: 1 is not True, and a text is no word."""
    if isinstance(content, list):
        return [exact(each) for each in content]
    if isinstance(content, dict):
        return {key: (type(key), exact(value)) for key, value in content.items()}
    return type(content), content


# --- every value of a preset, in every spelling ----------------------------------------------


class Place:
    """Where a value stands in a preset: how it is written there, and found again."""

    def __init__(self, text: str, find: Callable[[Preset], Any], valid: Callable[[Any], bool]):
        self.text, self.find, self.valid = text, find, valid

    def read(self, spelling: str) -> Any:
        return self.find(parse_preset(self.text.replace("{}", spelling, 1), "mine.yaml"))

    def __repr__(self) -> str:
        return self.text


def within(low: float, high: float, whole: bool = False) -> Callable[[Any], bool]:
    return lambda x: low <= x <= high and (not whole or isinstance(x, int))


def of_table(name: str) -> Callable[[Any], bool]:
    def valid(value: Any) -> bool:
        try:
            BY_NAME[name].check(value)
        except CompanionError:
            return False
        return True

    return valid


def knob_place(name: str) -> Place:
    if BY_NAME[name].scope == "rig":
        return Place(f"{name}: {{}}\n{PLAYERS}", lambda p: p.knobs[name], of_table(name))
    return Place(
        f"players:\n- name: bass\n  {name}: {{}}\n",
        lambda p: p.players[0].knobs[name],
        of_table(name),
    )


KNOBS = {
    kind: [k.name for k in PARAMETERS if k.kind == kind]
    for kind in ("number", "whole", "switch", "trigger", "choice")
}
NUMBERS = [
    *(knob_place(name) for name in (*KNOBS["number"], *KNOBS["whole"]) if name != "bpm"),
    Place("bpm: {}\n" + PLAYERS, lambda p: p.bpm, within(40, 240)),
    Place("bars: {}\n" + PLAYERS, lambda p: p.bars, within(1, 100_000, True)),
    Place("count_in_bars: {}\n" + PLAYERS, lambda p: p.count_in_bars, within(0, 4, True)),
    Place("osc:\n  port: {}\n" + PLAYERS, lambda p: p.osc.port, within(0, 65535, True)),
    Place(
        "osc:\n  send:\n  - port: {}\n" + PLAYERS,
        lambda p: p.osc.send[0].port,
        within(1, 65535, True),
    ),
    Place("audio:\n  rate: {}\n" + PLAYERS, lambda p: p.audio.rate, within(8000, 384_000, True)),
    Place("audio:\n  block: {}\n" + PLAYERS, lambda p: p.audio.block, within(16, 8192, True)),
    Place(
        "midi:\n  map:\n  - parameter: cycle\n    cc: {}\n" + PLAYERS,
        lambda p: p.midi.map[0].cc,
        within(0, 119, True),
    ),
    Place(
        "midi:\n  map:\n  - cc: 1\n    parameter: cycle\n    channel: {}\n" + PLAYERS,
        lambda p: p.midi.map[0].channel,
        within(1, 16, True),
    ),
]
SWITCHES = [
    *(knob_place(name) for name in (*KNOBS["switch"], *KNOBS["trigger"])),
    Place("generator:\n  in_process: {}\n" + PLAYERS, lambda p: p.generator.in_process, bool),
    Place("midi:\n  clock_out: {}\n" + PLAYERS, lambda p: p.midi.clock_out, bool),
]
NAME = re.compile(r"[\w-]{1,32}")
TEXTS = [
    Place("players:\n- name: {}\n", lambda p: p.players[0].name, lambda x: bool(NAME.fullmatch(x))),
    Place("midi:\n  port: {}\n" + PLAYERS, lambda p: p.midi.port, lambda _: True),
    Place("osc:\n  host: {}\n" + PLAYERS, lambda p: p.osc.host, lambda _: True),
    Place(
        "osc:\n  send:\n  - port: 1\n    host: {}\n" + PLAYERS,
        lambda p: p.osc.send[0].host,
        lambda _: True,
    ),
    Place("audio:\n  input: {}\n" + PLAYERS, lambda p: p.audio.input, lambda _: True),
    Place("midi:\n  clock_out: {}\n" + PLAYERS, lambda p: p.midi.clock_out, lambda _: True),
]
CHOICES = [
    *(knob_place(name) for name in KNOBS["choice"]),
    Place(
        "generator:\n  device: {}\n" + PLAYERS, lambda p: p.generator.device, DEVICES.__contains__
    ),
]
EVERY = [*NUMBERS, *SWITCHES, *TEXTS, *CHOICES]

digits = st.text("0123456789", min_size=1, max_size=5)
decimals = st.builds(
    lambda *parts: "".join(parts),
    st.sampled_from(["", "-", "+"]),
    st.one_of(
        digits,
        st.integers(0, 250).map(str),
        st.builds("{}.{}".format, digits, digits | st.just("")),
        digits.map(".{}".format),
    ),
    st.one_of(
        st.just(""), st.builds("{}{}".format, st.sampled_from(["e", "E-", "e+"]), st.integers(0, 3))
    ),
)
DECIMAL = re.compile(r"[-+]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?", re.ASCII)
others = st.one_of(
    st.sampled_from([*ON, *OFF, "null", "~", "bass", "a", "3/4", "12:8", "1:30", "20:0"]),
    st.sampled_from(
        ["0x1F", "0o17", "0b11", "1_000", "1_0.5", "2026-11-24", "1e", "−3", "½", "1,5"]
    ),
    st.sampled_from([".inf", "-.inf", ".nan", "=", "<<", "120 BPM", "-3dB", "50%", "190:20:30"]),
    st.text("0123456789_:.,eExo+-/", min_size=1, max_size=6),
    st.text(st.characters(codec="ascii"), max_size=6),
)
QUOTES = ("{}", "'{}'", '"{}"', "{}  # said so", "!!str {}")


def said(text: str) -> str:
    """What is left of an unquoted value without a comment and without a YAML anchor's name."""
    return re.sub(r"^&[^\s,\[\]{}]+", "", re.split(r"(?:^|\s)#", text)[0].strip()).strip()


def answer(place: Place, spelling: str) -> Any:
    """The value that was read, or None where the preset is refused, in one line that names it."""
    try:
        return place.read(spelling)
    except CompanionError as error:
        message = str(error)
        assert message.startswith("preset mine.yaml") and "; valid: " in message
        assert len(message.splitlines()) == 1 and len(message) < 600
        return None


@given(st.sampled_from(NUMBERS), decimals)
def test_a_number_is_what_it_says_in_decimal(place: Place, spelling: str) -> None:
    whole = re.fullmatch("[-+]?[0-9]+", spelling)
    meant: Any = int(spelling, 10) if whole else float(spelling)
    found = answer(place, spelling)
    if place.valid(meant):
        assert found is not None
        assert Fraction(str(found)) == Fraction(str(meant))
    else:
        assert found is None


@given(st.sampled_from(NUMBERS), others, st.sampled_from(QUOTES))
def test_what_is_no_number_is_none(place: Place, text: str, quotes: str) -> None:
    found = answer(place, quotes.replace("{}", text))
    if found is None:
        return
    text = said(text) if quotes in ("{}", "{}  # said so") else text.partition(" #")[0].strip()
    if quotes in ("{}", "{}  # said so") and text not in ("", "~", "null"):
        if text.startswith(("0x", "0o")):
            assert found == int(text, 0)
        else:
            assert DECIMAL.fullmatch(text) and float(found) == float(text)
    else:  # left empty, it is the default
        assert found == answer(place, "~") or re.fullmatch("~|null|#.*|", text)


@pytest.mark.parametrize("place", SWITCHES, ids=repr)
@pytest.mark.parametrize("word", [*ON, *OFF])
def test_a_switch_is_what_it_says(place: Place, word: str) -> None:
    assert answer(place, word) is (word in ON)


@given(st.sampled_from(SWITCHES[:-1]), others | decimals)
def test_what_is_no_switch_is_none(place: Place, text: str) -> None:
    found = answer(place, text)
    word = said(text)
    assert found is None or found is (word in ON)
    assert found is None or word in (*ON, *OFF, "", "~", "null")


@pytest.mark.parametrize("place", TEXTS, ids=repr)
@pytest.mark.parametrize("text", [*ON[:8], *OFF[:8], "2026-11-24", "1_000", "0b11"])
def test_a_word_is_a_name_where_a_name_is_asked_for(place: Place, text: str) -> None:
    for spelling in (text, f"'{text}'", f'"{text}"', f"!!str {text}"):
        expected: object = text
        if "clock_out" in place.text and spelling == text and text in (*ON, *OFF):
            expected = text in ON
        assert answer(place, spelling) == expected


@given(st.sampled_from(TEXTS[:-1]), others | decimals, st.sampled_from(QUOTES[:3]))
def test_a_text_is_what_is_written_or_refused(place: Place, text: str, quotes: str) -> None:
    if set(text) & set("'\"\\") or not text.isprintable():
        text = "on"
    found = answer(place, quotes.replace("{}", text))
    if quotes != "{}":
        assert found == text if text and place.valid(text) else found in (None, text)
    elif isinstance(found, str):
        assert text.strip().startswith(found) or text.strip() in ("", "~", "null", "Null", "NULL")
    elif found is not None:  # a device may be a number
        assert "input" in place.text and found == int(
            text, 10 if text[:2] not in ("0x", "0o") else 0
        )


@pytest.mark.parametrize("name", KNOBS["choice"])
def test_a_choice_is_taken_bare_and_in_quotes(name: str) -> None:
    for choice in BY_NAME[name].choices:
        for quotes in QUOTES:
            assert answer(knob_place(name), quotes.replace("{}", choice)) == choice
            assert type(answer(knob_place(name), quotes.replace("{}", choice))) is str


@given(st.sampled_from(EVERY), others | decimals, st.sampled_from(QUOTES))
def test_any_spelling_of_any_value_is_read_or_refused_in_one_line(
    place: Place, text: str, quotes: str
) -> None:
    answer(place, quotes.replace("{}", text))


@given(
    name=odd.filter(lambda text: bool(NAME.fullmatch(text))),
    port=odd | texts,
    host=odd | texts,
    device=odd | texts,
    out=odd.filter(bool) | st.booleans(),
)
def test_a_preset_that_is_written_down_reads_as_the_same(
    name: str, port: str, host: str, device: str, out: str | bool
) -> None:
    content = {
        "players": [{"name": name, "take": "off", "hold": True}],
        "midi": {"port": port, "clock_out": out},
        "osc": {"host": host},
        "audio": {"input": device},
    }
    preset = parse_preset(write_yaml(content), "it.yaml")
    assert (preset.players[0].name, preset.midi and preset.midi.clock_out) == (name, out)
    assert parse_preset(preset_text(preset), "it.yaml") == preset


class TestEmpty:
    def test_a_section_that_is_left_empty_is_there_with_its_defaults(self) -> None:
        preset = parse_preset("osc:\nmidi:\naudio:\ngenerator:\n" + PLAYERS, "mine.yaml")
        assert preset.osc == OscPreset()
        assert preset.midi == MidiPreset(None, default_mappings(["bass"]))
        assert preset == parse_preset("osc: {}\nmidi: {}\n" + PLAYERS, "mine.yaml")

    def test_one_that_is_left_out_is_not(self) -> None:
        preset = parse_preset(PLAYERS, "mine.yaml")
        assert (preset.osc, preset.midi) == (None, None)

    def test_a_clock_that_comes_in_by_midi_brings_midi_along(self) -> None:
        preset = parse_preset("clock: midi\n" + PLAYERS, "mine.yaml")
        assert preset.midi == MidiPreset(None, default_mappings(["bass"]))
        kept = parse_preset("clock: midi\nmidi: {port: nano}\n" + PLAYERS, "mine.yaml")
        assert kept.midi is not None and kept.midi.port == "nano"

    def test_a_meter_that_is_a_number_is_answered_with_those_there_are(self) -> None:
        with pytest.raises(CompanionError, match="meter is 4; valid: 2/4, 3/4"):
            parse_preset("meter: 4\n" + PLAYERS, "mine.yaml")
