"""How a rig stands is written down as a preset, and opens as that."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from companion.control.parameters import PARAMETERS, Parameter
from companion.control.preset import Preset, bundled_presets, load_preset, parse_preset
from companion.control.preset_save import AlreadyThere, save_preset, saved_name, standing
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError

MINE = """# My rig.

bpm: 104        # a bit slower than on the record
find_cycle: off

# The changes of the verse.
chords: [Am, F G]

players:
  # The left hand.
  - name: left
    instrument: bass    # or organ
    take: off

  # The right hand.
  - {name: right, level: -3}
  - name: third
    # a recording of hers
    sound: hers.wav
audio:
  block: 128    # the best it can do
"""
FLAT = "players: [{name: bass}, {name: keys, steps: 12}]\n"
CYCLE = "cycle: 8\nplayers:\n- name: bass\n\n# the end\n"
CHARTS = (None, ("Am", "F G"), ("C", "Dm7 G7"), "|: Am | F :|")


def values(knob: Parameter) -> st.SearchStrategy[Any]:
    """Whatever a knob can stand at."""
    if knob.kind == "choice":
        return st.sampled_from(knob.choices)
    if knob.kind == "switch":
        return st.booleans()
    if knob.kind == "whole":
        return st.integers(int(knob.minimum), int(knob.maximum))
    numbers = st.floats(knob.minimum, knob.maximum)
    return numbers | numbers.map(lambda number: knob.clamp(round(number)))


TURNS = st.lists(
    st.sampled_from([knob for knob in PARAMETERS if knob.kind != "trigger"]).flatmap(
        lambda knob: st.tuples(st.just(knob), st.integers(0, 7), values(knob))
    ),
    max_size=12,
)


def opened(folder: Path, text: str, name: str = "mine") -> Preset:
    (folder / f"{name}.yaml").write_text(text)
    return load_preset(str(folder / f"{name}.yaml"))


def save(preset: Preset, store: ParameterStore, path: Path, **other: Any) -> Preset:
    """What is saved, read again."""
    mutes = {name: bool(store.snapshot(name)["mute"]) for name in store.players}
    chords = other.get("chords", preset.chords)
    save_preset(preset, standing(store, chords, mutes), path, other.get("over", False))
    return load_preset(str(path))


def all_of(store: ParameterStore) -> list[Mapping[str, Any]]:
    return [store.snapshot(), *(store.snapshot(name) for name in store.players)]


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(TURNS, st.sampled_from([MINE, FLAT, CYCLE, None]), st.sampled_from(CHARTS))
def test_what_was_saved_opens_as_the_same_state(
    tmp_path: Path, turns: list[tuple[Parameter, int, Any]], text: str | None, chords: Any
) -> None:
    preset = load_preset("band") if text is None else opened(tmp_path, text)
    store = preset.store()
    for knob, number, value in turns:
        players = store.players
        player = None if knob.scope == "rig" else players[number % len(players)]
        store.set(knob.name, value, player, "preset")
    again = save(preset, store, tmp_path / "saved.yaml", over=True, chords=chords)
    assert all_of(again.store()) == all_of(store)
    assert again.chords == chords
    assert (again.audio, again.meter, again.generator) == (
        *(preset.audio, preset.meter, preset.generator),
    )


def test_comments_and_order_stay_and_new_knobs_stand_among_the_others(tmp_path: Path) -> None:
    preset = opened(tmp_path, MINE)
    store = preset.store()
    store.set("bpm", 96.0, None, "page")
    store.set("metronome", True, None, "page")
    for name, value in (("level", -6.5), ("instrument", "organ")):
        store.set(name, value, "left", "page")
    store.set("hold", True, "right", "page")
    store.set("steps", 12, "third", "page")
    save(preset, store, tmp_path / "saved.yaml")
    assert (tmp_path / "saved.yaml").read_text() == (
        MINE.replace("104        #", "96         #")
        .replace("off\n\n# The", "off\nmetronome: true\n\n# The", 1)
        .replace("bass    #", "organ   #")
        .replace("take: off\n", "take: off\n    level: -6.5\n")
        .replace("level: -3}", "level: -3, hold: true}")
        .replace("hers.wav\n", "hers.wav\n    steps: 12\n")
    )
    assert (tmp_path / "mine.yaml").read_text() == MINE


def test_a_recording_stays_until_another_sound_is_chosen(tmp_path: Path) -> None:
    preset = opened(tmp_path, MINE)
    store = preset.store()
    assert save(preset, store, tmp_path / "one.yaml").recordings() == (tmp_path / "hers.wav",)
    store.set("sound", 3, "third", "page")
    two = save(preset, store, tmp_path / "two.yaml")
    assert two.recordings() == () and two.store().snapshot("third")["sound"] == 3


@pytest.mark.parametrize("name", bundled_presets())
def test_a_preset_that_comes_along_keeps_its_comments(name: str, tmp_path: Path) -> None:
    preset = load_preset(name)
    store = preset.store()
    store.set("monitor", -12, None, "page")
    saved = save(preset, store, tmp_path / "saved.yaml")
    assert (tmp_path / "saved.yaml").read_text().startswith("# ")
    assert saved == replace(
        preset, name="saved", knobs={**preset.knobs, "monitor": -12.0}, players=saved.players
    )


def test_a_rig_without_a_file_is_written_out(tmp_path: Path) -> None:
    preset = replace(parse_preset(MINE, str(tmp_path / "mine.yaml")), bars=13)
    saved = save(preset, preset.store(), tmp_path / "saved.yaml")
    assert saved == replace(preset, name="saved", bars=None)


def test_nothing_is_written_over_unasked(tmp_path: Path) -> None:
    preset = opened(tmp_path, MINE)
    store = preset.store()
    store.set("bpm", 96.0, None, "page")
    with pytest.raises(AlreadyThere, match=r"^mine\.yaml is there already; valid: another name"):
        save(preset, store, tmp_path / "mine.yaml")
    assert (tmp_path / "mine.yaml").read_text() == MINE
    assert save(preset, store, tmp_path / "mine.yaml", over=True).bpm == 96


@pytest.mark.parametrize("name", ["other.yaml", "band.yaml", "folder.yaml"])
def test_what_is_no_preset_of_ones_own_is_never_written_over(tmp_path: Path, name: str) -> None:
    (tmp_path / "other.yaml").write_text("services: {}\n")
    (tmp_path / "folder.yaml").mkdir()
    preset = opened(tmp_path, MINE)
    with pytest.raises(CompanionError, match="valid: another name"):
        save(preset, preset.store(), tmp_path / name, over=True)
    assert (tmp_path / "other.yaml").read_text() == "services: {}\n"


def test_a_file_whose_players_have_changed_is_named(tmp_path: Path) -> None:
    preset = opened(tmp_path, MINE)
    (tmp_path / "mine.yaml").write_text(FLAT)
    with pytest.raises(CompanionError, match="players are bass, keys by now"):
        save(preset, preset.store(), tmp_path / "saved.yaml")
    assert not (tmp_path / "saved.yaml").exists()


def test_a_text_in_which_players_share_their_knobs_is_refused_not_spoilt(tmp_path: Path) -> None:
    text = "players:\n- &a {name: a, steps: 3}\n- {<<: *a, name: b}\n"
    preset = opened(tmp_path, text)
    store = preset.store()
    store.set("steps", 5, "a", "page")
    with pytest.raises(CompanionError, match=r"saved\.yaml cannot keep .*; valid: "):
        save(preset, store, tmp_path / "saved.yaml")
    assert not (tmp_path / "saved.yaml").exists()


@pytest.mark.parametrize("name", ["chorus", "Chorus 2", "chorus.yaml", " Lied_für-Ada "])
def test_a_name_is_letters_digits_spaces_and_dashes(name: str) -> None:
    assert saved_name(name) == name.strip().removesuffix(".yaml")


@pytest.mark.parametrize(
    "name",
    ["", " ", ".", "..", "../x", "a/b", "a\\b", "/etc/x", ".x", "a.b", "x" * 49, "con", "a\0"],
)
def test_a_name_has_no_part_of_a_path(name: str) -> None:
    with pytest.raises(CompanionError, match=r"^name is .*; valid: up to 48 letters"):
        saved_name(name)
