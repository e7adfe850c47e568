"""Presets of a set: chosen from anywhere, switched on the bar line, nothing stops."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.transport import Transport
from companion.control.parameters import PARAMETERS
from companion.control.preset import MOST_PRESETS, Preset, load_preset, parse_preset
from companion.control.preset_save import AlreadyThere
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.listen.harmony import Harmony
from companion.replay.replay import replay
from companion.session.ear import Ear
from companion.session.jam import jam
from companion.session.session import Session
from companion.session.set_list import SetList
from companion.system.errors import CompanionError
from tests.companion.studio import BAR, RATE, Move, music, play

VERSE = parse_preset("players: [{name: bass}, {name: keys, instrument: piano}]", "verse.yaml")
CHORUS = parse_preset(
    "bpm: 140\norder: apart\nchords: [C, G]\nplayers:\n"
    "- {name: left, instrument: synth lead, level: -3, steps: 12}\n",
    "chorus.yaml",
)


def transport() -> Transport:
    return Transport(RATE, Fraction(120), 0)


def set_list(*presets: Preset) -> SetList:
    store = presets[0].store()
    return SetList(presets, store, Harmony(presets[0].chart()))


@given(st.integers(-3, 50), st.sampled_from(["chorus", 2]))
def test_nothing_moves_before_the_bar_line(bar: int, which: str | int) -> None:
    played = set_list(VERSE, CHORUS)
    before = [played._store.snapshot(name) for name in (None, "bass", "keys")]
    played.switch(which)
    assert played.tick(bar) == "" and played.coming == "chorus" and played.current == "verse"
    assert [played._store.snapshot(name) for name in (None, "bass", "keys")] == before
    assert played.tick(bar) == ""
    assert played.tick(bar + 1) == "chorus"
    assert (played.current, played.coming) == ("chorus", "")
    assert played.tick(bar + 2) == ""


def test_players_take_the_knobs_of_those_in_their_place_and_the_rest_falls_silent() -> None:
    played = set_list(VERSE, CHORUS)
    played._store.set("temperature", 1.7, "bass", "midi")
    played.switch("chorus")
    played.tick(3)
    played.tick(4)
    bass, keys = played._store.snapshot("bass"), played._store.snapshot("keys")
    assert (bass["instrument"], bass["level"], bass["steps"]) == ("synth lead", -3.0, 12)
    assert bass["temperature"] == 1.0 and not bass["mute"]
    assert keys["mute"] and keys["instrument"] == "piano"
    played.switch(1)
    played.tick(4)
    played.tick(5)
    assert played._store.snapshot("bass")["instrument"] == "bass"
    assert not played._store.snapshot("keys")["mute"]


def test_of_the_rig_only_what_the_preset_names_is_turned() -> None:
    played = set_list(VERSE, CHORUS)
    played._store.set("metronome", True, None, "osc")
    for which in ("chorus", "verse"):
        played.switch(which)
        played.tick(1)
        played.tick(2)
        rig = played._store.snapshot()
        assert (rig["bpm"], rig["order"], rig["metronome"]) == (140.0, "apart", True)


def test_the_chart_begins_in_the_first_bar_of_its_preset() -> None:
    played = set_list(VERSE, CHORUS)
    played.switch("chorus")
    played.tick(6)
    harmony = played._harmony
    names = [harmony.at(bar, 0) for bar in (5, 6, 7, 8, 9)]  # type: ignore[arg-type]
    assert names[:2] == [None, None]
    assert [chord.bass for chord in names[2:] if chord] == [0, 7, 0]


@pytest.mark.parametrize(
    ("which", "said"),
    [
        (0, "preset is 0; valid: 1 to 2"),
        (3, "preset is 3; valid: 1 to 2"),
        (
            "chours",
            "there is no preset 'chours' in this set; nearest: chorus; valid: verse, chorus",
        ),
    ],
)
def test_what_is_not_in_the_set_is_named(which: str | int, said: str) -> None:
    with pytest.raises(CompanionError) as error:
        set_list(VERSE, CHORUS).switch(which)
    assert str(error.value).startswith(said)


def test_with_the_lock_on_nothing_is_switched() -> None:
    played = set_list(VERSE, CHORUS)
    played._store.set("lock", True, None, "midi")
    with pytest.raises(CompanionError, match=r"^locked: "):
        played.switch("chorus")
    assert played.tick(1) == played.tick(2) == ""


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(CompanionError, match="each name once"):
        set_list(VERSE, VERSE)


def test_presets_are_found_by_name_and_beside_the_one_that_names_them(tmp_path: Path) -> None:
    text = "presets: [drums, mine/chorus.yaml]\nplayers: [{name: bass}]"
    (tmp_path / "set.yaml").write_text(text)
    preset = load_preset(str(tmp_path / "set.yaml"))
    assert preset.presets == (Path("drums"), tmp_path / "mine/chorus.yaml")
    with pytest.raises(CompanionError, match="there is no preset"):
        jam(preset, takes=tmp_path / "takes")


def test_a_set_plays_on_without_a_gap_while_presets_are_switched(tmp_path: Path) -> None:
    verse = parse_preset("cycle: 1\ncount_in_bars: 0\nbars: 12\nplayers: [{name: bass}]", "v.yaml")
    other = parse_preset("players: [{name: bass, instrument: organ, level: -20}]", "o.yaml")

    def switch(session: Session) -> None:
        session.set_list.switch("o")

    def begin(session: Session) -> None:
        session.set_list = SetList([verse, other], session.store, session.harmony)

    moves: dict[float, Move] = {0.0: begin, 6.3: switch}
    played = play(tmp_path, verse, music(12), moves=moves)
    (taken,) = played.of("preset")
    assert (taken["preset"], taken["bar"]) == ("o", 7)
    moved = {event["name"]: event for event in played.of("knob")}
    assert moved["instrument"]["bar"] == 7 and moved["instrument"]["moved_by"] == "preset"
    sounding = [bar["sounding"] for bar in played.of("bar") if bar["bar"] >= 2]
    assert set(sounding) <= {"plan", "older plan"}
    markers = [np.abs(played.output[BAR * bar : BAR * bar + 400]).max() for bar in range(3, 12)]
    assert min(markers[:4]) > 0.3 and 0.01 < max(markers[5:]) < 0.1


def opened(folder: Path) -> SetList:
    """The set of a preset in a folder."""
    (folder / "verse.yaml").write_text("players: [{name: bass}, {name: keys}]  # mine\n")
    return set_list(load_preset(str(folder / "verse.yaml")), CHORUS)


def test_what_is_saved_stands_beside_what_was_opened_and_is_in_the_set(tmp_path: Path) -> None:
    played = opened(tmp_path)
    played.switch("chorus")
    played.tick(1)
    played.tick(2)
    stood = [dict(played._store.snapshot(name)) for name in (None, "bass", "keys")]
    assert played.save("bridge") == tmp_path / "bridge.yaml"
    assert played.names == ("verse", "chorus", "bridge") and played.current == "chorus"
    saved = load_preset(str(tmp_path / "bridge.yaml"))
    assert [dict(saved.store().snapshot(name)) for name in (None, "bass", "keys")] == stood
    assert saved.chords == CHORUS.chords
    assert "# mine" in (tmp_path / "bridge.yaml").read_text()
    played._store.set("order", "together", None, "midi")
    played.switch("bridge")
    played.tick(2)
    assert played.tick(3) == "bridge"
    assert [dict(played._store.snapshot(name)) for name in (None, "bass", "keys")] == stood


def test_who_is_heard_alone_is_not_saved_but_who_is_muted(tmp_path: Path) -> None:
    played = opened(tmp_path)
    played._store.set("mute", True, "keys", "midi")
    played.solo.toggle("keys", "page")
    assert played._store.snapshot("bass")["mute"] and not played._store.snapshot("keys")["mute"]
    store = load_preset(str(played.save("bridge"))).store()
    assert (store.snapshot("bass")["mute"], store.snapshot("keys")["mute"]) == (False, True)


def test_a_preset_of_the_set_is_written_over_only_where_that_is_said(tmp_path: Path) -> None:
    played = opened(tmp_path)
    for name in ("verse", "chorus"):
        with pytest.raises(AlreadyThere):
            played.save(name)
    played._store.set("bpm", 99, None, "midi")
    assert load_preset(str(played.save("verse", over=True))).bpm == 99
    assert played.names == ("verse", "chorus")


def test_a_set_has_no_more_presets_than_midi_has_programs(tmp_path: Path) -> None:
    played = opened(tmp_path)
    played._presets |= {str(number): CHORUS for number in range(MOST_PRESETS - 2)}
    with pytest.raises(CompanionError, match="the set has 128 presets"):
        played.save("bridge")
    played.save("verse", over=True)


def test_every_knob_of_a_player_is_switched_but_what_is_pulled() -> None:
    players = [knob for knob in PARAMETERS if knob.scope == "player" and knob.kind != "trigger"]
    played = set_list(VERSE, CHORUS)
    for knob in players:
        value = knob.clamp(knob.minimum if knob.default != knob.minimum else knob.maximum)
        played._store.set(knob.name, value, "bass", "osc")
    played.switch("verse")
    played.tick(1)
    played.tick(2)
    assert played._store.snapshot("bass") == VERSE.store().snapshot("bass")


def test_of_the_rig_a_cycle_that_is_named_is_kept_unless_it_is_looked_for_all_the_same() -> None:
    kept = parse_preset("cycle: 8\nplayers: [{name: bass}]", "kept.yaml")
    found = parse_preset("cycle: 2\nfind_cycle: on\nplayers: [{name: bass}]", "found.yaml")
    played = set_list(VERSE, kept, found)
    ear = Ear(lambda: pytest.fail("nothing to hear"), transport(), played._store)
    for number, (which, looked_for) in enumerate([("kept", False), ("found", True)]):
        played.switch(which)
        played.tick(number)
        played.tick(number + 1)
        for _ in range(3):
            for change in played._store.drain():
                ear.turned(change)
        assert played._store.snapshot()["find_cycle"] is looked_for


def test_a_song_that_is_chosen_in_the_count_in_begins_after_it() -> None:
    played = set_list(VERSE, CHORUS)
    played.switch("chorus")
    played.tick(-4)
    names = [played._harmony.at(bar, Fraction(0)) for bar in (0, 1)]
    assert [chord.bass for chord in names if chord] == [0, 7]


def test_the_first_keeps_the_tempo_at_which_it_began() -> None:
    played = set_list(VERSE, CHORUS)
    played.begins_at(Fraction(95))
    for bar, (which, bpm) in enumerate([("chorus", 140.0), ("verse", 95.0)]):
        played.switch(which)
        played.tick(bar)
        played.tick(bar + 1)
        assert played._store.snapshot()["bpm"] == bpm


@pytest.mark.parametrize(
    ("meter", "other", "goes"),
    [
        ("4/4", "meter: 3/4\n", False),
        ("3/4", "meter: 3/4\nchords: [C . G]\n", True),
        ("3/4", "chords: [C . . G]\n", False),
        ("3/4", "", True),
    ],
)
def test_a_set_keeps_its_meter(meter: str, other: str, goes: bool) -> None:
    first = parse_preset(f"meter: {meter}\nplayers: [{{name: bass}}]", "first.yaml")
    waltz = parse_preset(f"{other}players: [{{name: bass}}]", "waltz.yaml")
    if goes:
        assert set_list(first, waltz).names == ("first", "waltz")
        return
    with pytest.raises(CompanionError, match=rf"^preset waltz has .* valid: {meter}, in which"):
        set_list(first, waltz)


HEAD = "cycle: 1\ncount_in_bars: 0\nbars: 8\ngenerator: {name: standin}\n"


def recorded(folder: Path, **levels: float) -> None:
    for name, level in levels.items():
        soundfile.write(folder / f"{name}.wav", level * np.ones(3200, np.float32), RATE)


def test_each_preset_brings_the_recordings_that_its_players_sound_like(tmp_path: Path) -> None:
    recorded(tmp_path, loud=0.5, soft=0.25)
    texts = {
        "verse": "players: [{name: bass, sound: loud.wav}, {name: keys}]",
        "chorus": "players: [{name: a, sound: soft.wav}, {name: b, sound: loud.wav}]",
        "bridge": "players: [{name: c}]",
    }
    for name, text in texts.items():
        (tmp_path / f"{name}.yaml").write_text(f"{HEAD}{text}")
    presets = [load_preset(str(tmp_path / f"{name}.yaml")) for name in texts]

    def begin(session: Session) -> None:
        session.set_list = SetList(presets, session.store, session.harmony)

    moves: dict[float, Move] = {0.0: begin}
    for bar, which in ((2.3, "chorus"), (4.3, "bridge"), (6.3, "verse")):
        moves[bar] = lambda session, which=which: session.set_list.switch(which)  # type: ignore[misc]
    recordings = set_list(*presets).recordings
    assert recordings == (tmp_path / "loud.wav", tmp_path / "soft.wav")
    worker = InlineWorker(loading("standin", recordings=recordings))
    (tmp_path / "takes").mkdir()
    played = play(tmp_path / "takes", presets[0], music(8), worker, moves)
    told = [(event["bar"], event["player"], event["numbers"]) for event in played.of("sound")]
    assert told == [
        (0, "bass", [0.5]),
        (3, "bass", [0.25]),
        (3, "keys", [0.5]),
        (5, "bass", []),
        (5, "keys", []),
        (7, "bass", [0.5]),
    ]
    assert replay(played.take).identical
