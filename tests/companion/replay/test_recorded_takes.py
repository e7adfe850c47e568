"""Takes that were recorded before: what is on disk stays as it is, opens, and replays.

`tests/data/takes` holds the logs of the two sets below, as they were once written down. A musician
keeps such files: neither a key nor a digit of them may change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile

from companion.control.preset import parse_preset
from companion.generate.inline import InlineWorker
from companion.generate.loading import loading
from companion.listen.chord import read_chord
from companion.replay.replay import replay
from companion.session.set_list import SetList
from companion.take.events import EVENTS_FILE, TYPES, decode, encode
from tests.companion.lines import read_lines
from tests.companion.replay.test_replay import standing_in
from tests.companion.scenes import Outage, Scene, play_scene
from tests.companion.studio import BAR, Move, Played, failing, music, play, turn

TAKES = Path(__file__).parents[2] / "data" / "takes"
OF_THE_MACHINE = ("machine", "digest", "timings_s", "cycle_confidence")
"""What is another value on another machine."""


def by_hand(folder: Path) -> Played:
    """Silence, then knobs, a tempo, a plan that fails, stems chosen and repeated by hand."""
    moves = {
        1.6: turn("take", "a"),
        2.3: turn("level", -7.3),
        3.3: turn("take", "b"),
        4.4: turn("again", True),
        5.6: turn("bpm", 121.3, None),
    }
    preset = standing_in(bars=7, knobs={"cycle": 1})
    signal = music(7)
    signal[:BAR] = 0.0
    return play(folder, preset, signal, failing(range(1, 2)), moves, seed=5)


def device_lost(folder: Path) -> Played:
    """Two players that hear each other, and a device that is gone for a while."""
    scene = Scene(
        tempi={0.0: 240.0},
        meter="2/4",
        count_in_bars=1,
        players=2,
        cycle=1,
        outages=(Outage(2.2, 0.8, 200),),
        takes_s=(0.1,),
        ends_s=3.7,
    )
    return play_scene(folder, scene)


def told_chords(folder: Path) -> Played:
    """A chart, a chord that is sent and taken back, a recording's sound, another preset."""
    recording = folder / "loud.wav"
    soundfile.write(recording, 0.25 * np.ones(3200, np.float32), 32_000)
    preset = standing_in(bars=8, chords=("Am", "F G", "N.C."), knobs={"cycle": 1})
    players = (replace(preset.players[0], recording=recording),)
    other = parse_preset("chords: [C]\nplayers: [{name: bass, level: -6}]", "other.yaml")
    moves: dict[float, Move] = {
        0.5: lambda session: setattr(
            session, "set_list", SetList([preset, other], session.store, session.harmony)
        ),
        3.5: lambda session: session.harmony.send(read_chord("F#m7b5"), 5),
        5.5: lambda session: session.harmony.release(),
        5.7: lambda session: session.set_list.switch("other"),
    }
    preset = replace(preset, players=players)
    worker = InlineWorker(loading("standin", recordings=preset.recordings()))
    return play(folder, preset, music(8), worker, moves, seed=6)


SETS = {"by-hand": by_hand, "device-lost": device_lost, "told-chords": told_chords}
each_set = pytest.mark.parametrize(("name", "play_it"), SETS.items(), ids=SETS)


def recorded(name: str) -> Path:
    return TAKES / f"{name}.jsonl"


LATER = {"guidance_harmony": 3.0, "guidance_sound": 1.0, "sound": 0}
"""Knobs that came later than some of the sets, and what they are by default."""
MOVED = {"guidance_form": "distilled"}
"""Defaults that were moved since; these generators are guided by contrast all the same."""


def everywhere(event: dict[str, Any]) -> dict[str, Any]:
    kept = {key: value for key, value in event.items() if key not in OF_THE_MACHINE}
    return kept | {"knobs": LATER | event["knobs"] | MOVED} if "knobs" in event else kept


@each_set
def test_a_set_leaves_the_lines_that_it_always_left(
    tmp_path: Path, name: str, play_it: Callable[[Path], Played]
) -> None:
    now = read_lines(play_it(tmp_path).take / EVENTS_FILE)
    then = read_lines(recorded(name))
    assert [list(event) for event in now] == [list(event) for event in then]
    assert [everywhere(event) for event in now] == [everywhere(event) for event in then]


@pytest.mark.parametrize("name", SETS)
def test_a_line_is_written_again_as_it_was_read(name: str) -> None:
    for line in recorded(name).read_text().splitlines():
        event = decode(line, "it")
        assert event is not None
        assert encode(event) == line


def test_the_recorded_takes_hold_every_type_of_event() -> None:
    types = {event["type"] for name in SETS for event in read_lines(recorded(name))}
    assert types == set(TYPES)


@each_set
def test_a_recorded_take_replays(
    tmp_path: Path, name: str, play_it: Callable[[Path], Played]
) -> None:
    played = play_it(tmp_path)
    (played.take / EVENTS_FILE).write_bytes(recorded(name).read_bytes())
    replayed = replay(played.take)
    assert replayed.identical
    assert replayed.plans == len(played.of("plan")) >= 2


def test_a_take_replays_that_an_older_companion_recorded(tmp_path: Path) -> None:
    played = by_hand(tmp_path)
    lines = read_lines(recorded("by-hand"))
    later = {"machine", "number", "expected", "timings_s"}
    older = [
        {key: value for key, value in event.items() if key not in later}
        for event in lines
        if event["type"] != "trouble"
    ]
    newer = [{**event, "mood": "good"} for event in older] + [
        {"type": "applause", "bar": 7, "time_s": 14.0}
    ]
    for events in (older, newer):
        text = "".join(json.dumps(event) + "\n" for event in events)
        (played.take / EVENTS_FILE).write_text(text)
        assert replay(played.take).identical
