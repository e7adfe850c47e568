"""The presets that come with the companion: they load, and they are what their names say."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest
import yaml

from companion.control.parameters import PARAMETERS
from companion.control.preset import OscPreset, bundled_presets, load_preset, parse_preset

FOLDER = Path(__file__).parents[2] / "presets"
BUNDLED = pytest.mark.parametrize("name", bundled_presets())


def test_there_are_players_alone_bands_of_styles_and_bands_around_somebody() -> None:
    assert set(bundled_presets()) == {
        *("bass", "drums", "keys", "band"),
        *("techno", "jazz-trio", "songwriter", "ambient", "metal"),
        *("drummer", "guitarist", "bassist", "pianist", "singer"),
    }
    assert {path.stem for path in FOLDER.glob("*.yaml")} == set(bundled_presets())


@BUNDLED
def test_it_loads_and_its_knobs_are_valid(name: str) -> None:
    preset = load_preset(name)
    assert preset.name == name
    assert preset.store().players == tuple(player.name for player in preset.players)


@pytest.mark.parametrize(
    ("name", "instruments"),
    [
        ("bass", {"bass": "bass"}),
        ("drums", {"drums": "drums"}),
        ("keys", {"keys": "piano"}),
        ("band", {"bass": "bass", "drums": "drums", "keys": "piano"}),
    ],
)
def test_its_players_play_what_they_are_called(name: str, instruments: dict[str, str]) -> None:
    store = load_preset(name).store()
    assert {each: store.snapshot(each)["instrument"] for each in store.players} == instruments


@BUNDLED
def test_midi_and_osc_turn_every_knob_that_has_a_controller(name: str) -> None:
    preset = load_preset(name)
    assert preset.osc == OscPreset("127.0.0.1", 9000)
    assert preset.midi is not None and preset.midi.port is None
    turned = Counter(mapping.parameter for mapping in preset.midi.map)
    for knob in PARAMETERS:
        players = 1 if knob.scope == "rig" else len(preset.players)
        assert turned[knob.name] == (0 if knob.cc is None else players)


@BUNDLED
def test_a_chart_that_is_commented_out_may_be_written_in(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    preset = parse_preset(text.replace("# chords:", "chords:"), f"{name}.yaml")
    assert (preset.chart() is not None) == ("# chords:" in text)


@BUNDLED
def test_no_player_plays_what_the_one_does_that_it_is_for(name: str) -> None:
    own = {"drummer": "drums", "guitarist": "guitar", "bassist": "bass", "pianist": "piano"}
    store = load_preset(name).store()
    assert own.get(name) not in {store.snapshot(each)["instrument"] for each in store.players}


@BUNDLED
def test_it_says_in_a_comment_what_it_is(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    assert text.startswith("# ")
    assert yaml.safe_load(text)["players"]
