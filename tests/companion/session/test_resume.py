"""After a crash the set goes on: same rig, same knobs, at the next bar."""

from __future__ import annotations

import os
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from companion.control.preset import GeneratorPreset, Preset, load_preset
from companion.session.jam import OnTick, jam
from companion.session.resume import cut_off, resume
from companion.session.session import Session
from companion.session.set_list import SetList
from companion.session.status import Status
from companion.system.errors import CompanionError
from companion.take.event_log import EventLog, lock
from companion.take.events import EVENTS_FILE
from tests.companion.lines import read_lines
from tests.companion.studio import BAR, Played, music, play, solo, turn


def crashed(folder: Path, preset: Preset, bars: float, **options: object) -> Path:
    """A take of a jam that was killed in the middle of a bar."""
    folder.mkdir(exist_ok=True)
    played: Played = play(folder, preset, music(preset.bars or 16), **options)  # type: ignore[arg-type]
    log = played.take / EVENTS_FILE
    kept = [line for line in log.read_bytes().splitlines(keepends=True) if b'"end"' not in line]
    log.write_bytes(b"".join(kept))
    for path in played.take.glob("*.wav"):
        path.write_bytes(path.read_bytes()[: round(94 + 4 * bars * BAR)])
    return played.take


def test_it_goes_on_at_the_next_bar_with_every_knob_where_it_was(tmp_path: Path) -> None:
    preset = solo("bass", "keys", bars=16, knobs={"cycle": 2, "monitor": -12.0})
    preset = replace(preset, generator=GeneratorPreset("standin"))
    moves = {
        1.2: turn("level", -7.25, "keys"),
        2.2: turn("instrument", "organ", "keys"),
        3.3: turn("cycle", 3, None),
        3.4: turn("mute", True),
        4.4: turn("regenerate", True),
    }
    take = crashed(tmp_path / "takes", preset, 5.4, moves=moves, seed=7)
    resumed = resume(take)
    assert (resumed.bars_before, resumed.preset.bars) == (6, 10)
    assert (resumed.continues, resumed.preset.name) == (take.name, preset.name)
    assert resumed.seed != 7
    store = resumed.preset.store()
    assert store.snapshot("bass")["mute"] is True
    assert (store.snapshot("keys")["level"], store.snapshot("keys")["instrument"]) == (
        -7.25,
        "organ",
    )
    rig = store.snapshot()
    assert (rig["cycle"], rig["monitor"], rig["find_cycle"]) == (3, -12.0, False)
    assert resumed.preset.generator == preset.generator
    assert any("log got an end" in line for line in resumed.lost)


def test_the_tempo_that_was_followed_goes_on(tmp_path: Path) -> None:
    moves = {2.5: turn("bpm", 122.5, None)}
    take = crashed(tmp_path / "takes", solo(bars=8), 5.4, moves=moves)
    assert resume(take).preset.bpm == Fraction("122.5")
    steady = crashed(tmp_path / "others", solo(bars=8, bpm=Fraction("113.3")), 5.4)
    assert resume(steady).preset.bpm == Fraction("113.3")


def test_a_jam_that_goes_on_says_so_and_its_take_tells_of_which(
    no_sound_card: None, tmp_path: Path
) -> None:
    preset = replace(solo(bars=12), generator=GeneratorPreset("standin"))
    take = crashed(tmp_path / "takes", preset, 5.4)
    said: list[str] = []
    jam(solo(bars=2), takes=tmp_path / "takes", say=said.append)
    assert f"take {take} was cut off; to go on with it: companion jam --resume {take}" in said
    resumed = resume(take)
    bars: list[tuple[int, int]] = []
    jammed = jam(
        resumed.preset,
        takes=tmp_path / "takes",
        resumed=resumed,
        say=said.append,
        on_session=lambda session: lambda status: bars.append((status.bar, status.bars_before)),
    )
    assert f"going on from take {take.name}, at bar 7" in said
    begun = read_lines(jammed.folder / EVENTS_FILE)[0]
    assert (begun["continues"], begun["bars_before"], begun["bars"]) == (take.name, 6, 6)
    assert bars[-1] == (5, 6)
    with pytest.raises(CompanionError, match="last bar"):
        resume(jammed.folder)


def test_a_take_that_ended_or_is_being_played_is_not_offered(tmp_path: Path) -> None:
    assert cut_off(tmp_path / "nowhere") is None
    take = crashed(tmp_path / "takes", solo(bars=5), 3.3)
    assert cut_off(tmp_path / "takes") == take
    with (take / EVENTS_FILE).open("rb") as held:
        assert lock(held)
        assert cut_off(tmp_path / "takes") is None
    resume(take)
    assert cut_off(tmp_path / "takes") is None
    (tmp_path / "takes" / "other").mkdir()
    EventLog(tmp_path / "takes" / "other").close()
    assert cut_off(tmp_path / "takes") is None


def test_a_take_that_never_began_does_not_hide_one_that_was_cut_off(tmp_path: Path) -> None:
    take = crashed(tmp_path / "takes", solo(bars=5), 3.3)
    (tmp_path / "takes" / "later").mkdir()
    log = tmp_path / "takes" / "later" / EVENTS_FILE
    log.write_bytes(b"")
    os.utime(take / EVENTS_FILE, (1, 1))
    assert cut_off(tmp_path / "takes") == take


VERSE = """cycle: 1
count_in_bars: 0
bars: 9
generator: {name: standin}
chords: [C, D, E]
presets: [chorus.yaml]
players: [{name: bass, level: -3}]
"""


def test_a_set_goes_on_with_the_preset_that_played_and_where_its_chart_was(
    no_sound_card: None, tmp_path: Path
) -> None:
    (tmp_path / "verse.yaml").write_text(VERSE)
    (tmp_path / "chorus.yaml").write_text("chords: [F, G]\nplayers: [{name: a, level: -9}]")
    verse = load_preset(str(tmp_path / "verse.yaml"))
    chorus = load_preset(str(tmp_path / "chorus.yaml"))

    def switch(session: Session) -> None:
        session.set_list = SetList([verse, chorus], session.store, session.harmony)
        session.set_list.switch("chorus")

    before = resume(crashed(tmp_path / "first", verse, 4.4))
    assert (before.playing, before.chart_from) == ("verse", -5)
    take = crashed(tmp_path / "takes", verse, 4.4, moves={1.2: switch})
    resumed = resume(take)
    assert (resumed.playing, resumed.chart_from) == ("chorus", -3)
    went: list[tuple[str, object]] = []

    def on_session(session: Session) -> OnTick:
        session.set_list.switch("verse")

        def on_tick(status: Status) -> None:
            level = session.store.snapshot("bass")["level"]
            went.append((session.set_list.current, level))
            if status.bar == -1:
                chord = session.harmony.at(-1, Fraction(0))
                assert chord is not None and chord.bass == 5  # F, bar 5 of the set

        return on_tick

    jammed = jam(resumed.preset, takes=tmp_path / "takes", resumed=resumed, on_session=on_session)
    assert went[0] == ("chorus", -9.0) and went[-1] == ("verse", -3.0)
    again, back = (e for e in read_lines(jammed.folder / EVENTS_FILE) if e["type"] == "preset")
    assert (again["preset"], again["bar"], back["preset"]) == ("chorus", -3, "verse")
