"""Controller files fit every rig, and say so where they are none."""

from __future__ import annotations

from pathlib import Path

import pytest

from companion.control.controller import (
    MOST_MAPPINGS,
    bundled_controllers,
    load_controller,
    parse_controller,
)
from companion.control.mapped import shown
from companion.control.preset import load_preset, parse_preset
from companion.control.preset_text import preset_text
from companion.system.errors import CompanionError

PLAYERS = [f"player{number}" for number in range(1, 9)]
FILE = """device: nano
feedback: true
map:
  - {cc: 1, parameter: level, player: 1}
  - {cc: 2, parameter: level, player: 2, device: other, feedback: false}
  - {cc: 3, parameter: hold, player: bass}
  - {cc: 4, parameter: hold, player: "*"}
  - {cc: 5, parameter: cycle}
"""


@pytest.mark.parametrize("name", bundled_controllers())
def test_those_that_come_with_it_have_no_control_twice_and_no_mapping_twice(name: str) -> None:
    mappings = load_controller(name, Path(), PLAYERS)
    assert len(mappings) >= 8
    assert [each.text for each in shown(mappings, {}) if each.clashes] == []
    targets = [(mapping.player, mapping.parameter) for mapping in mappings]
    assert len(set(targets)) == len(targets)


@pytest.mark.parametrize("name", bundled_controllers())
def test_in_a_small_rig_what_is_of_others_turns_nothing(name: str) -> None:
    text = f"players: [{{name: bass}}]\nmidi: {{controllers: [{name}]}}"
    preset = parse_preset(text, "mine.yaml")
    assert preset.midi is not None
    assert {mapping.player for mapping in preset.midi.mappings} <= {"bass", "*", None}
    assert len(preset.midi.mappings) >= 5
    assert parse_preset(preset_text(preset), "mine.yaml") == preset


def test_those_the_players_ask_for_are_there() -> None:
    asked = "nanokontrol2 launch-control-xl midi-fighter-twister apc-mini generic"
    assert {*asked.split(), "mackie-control", "fourteen-bit"} == {*bundled_controllers()}


def test_what_goes_for_the_file_goes_for_each_but_where_it_says_otherwise() -> None:
    found = parse_controller(FILE, "nano.yaml", ["bass", "keys"])
    assert [(m.player, m.device, m.feedback) for m in found] == [
        ("bass", "nano", True),
        ("keys", "other", False),
        ("bass", "nano", True),
        ("*", "nano", True),
        (None, "nano", True),
    ]
    assert {m.origin for m in found} == {"nano.yaml"}
    alone = parse_controller(FILE, "nano.yaml", ["drums"])
    assert [m.number for m in alone] == [1, 4, 5]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("devise: x", "controller pad.yaml, line 1: unknown key devise; nearest: device"),
        ("map: [{cc: 1}]", "controller pad.yaml: map[0].parameter is None; valid: a value"),
        ("map: [{cc: 1, parameter: level, player: 0}]", "map[0].player is 0; valid: a name, *, or"),
        ("map: [{cc: 1, parameter: cycle, player: 1}]", "map[0].player is "),
        ("map: [{cc: 1, parameter: level}]", "map[0].player is None; valid: "),
        (f"map: [{'{cc: 1, parameter: cycle}, ' * (MOST_MAPPINGS + 1)}]", "valid: up to 1024"),
        ("- 1", "controller pad.yaml: content is [1]; valid: keys and values"),
    ],
)
def test_what_is_wrong_is_named(text: str, message: str) -> None:
    with pytest.raises(CompanionError) as error:
        parse_controller(text, "pad.yaml", ["bass"])
    assert message in str(error.value)


def test_a_preset_names_them_by_name_or_by_a_path_from_where_it_is(tmp_path: Path) -> None:
    (tmp_path / "nano.yaml").write_text(FILE)
    preset = tmp_path / "mine.yaml"
    preset.write_text("players: [{name: bass}]\nmidi: {controllers: [generic, nano.yaml]}\n")
    midi = load_preset(str(preset)).midi
    assert midi is not None and midi.controllers == ("generic", "nano.yaml")
    assert {m.origin for m in midi.map} == {"generic", str(tmp_path / "nano.yaml")}


@pytest.mark.parametrize(
    ("controllers", "message"),
    [
        ("[nanokontrol]", "there is no controller 'nanokontrol'; nearest: nanokontrol2; valid: "),
        ("[1]", "midi.controllers is [1]; valid: a list of up to 8 names or files"),
        ("generic", "midi.controllers is 'generic'; valid: a list"),
    ],
)
def test_one_that_is_not_there_is_named(controllers: str, message: str) -> None:
    with pytest.raises(CompanionError) as error:
        parse_preset(f"players: [{{name: a}}]\nmidi: {{controllers: {controllers}}}", "mine.yaml")
    assert message in str(error.value)
