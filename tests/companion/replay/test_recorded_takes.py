"""Takes that were recorded before: what is on disk stays as it is, opens, and replays.

`tests/data/takes` holds the logs of the two sets below, as they were once written down. A musician
keeps such files: neither a key nor a digit of them may change.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from companion.replay.replay import replay
from companion.take.events import EVENTS_FILE, TYPES, decode, encode
from tests.companion.lines import read_lines
from tests.companion.replay.test_replay import standing_in
from tests.companion.stage import Outage, Scene, play_scene
from tests.companion.studio import BAR, Played, failing, music, play, turn

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


SETS = {"by-hand": by_hand, "device-lost": device_lost}
each_set = pytest.mark.parametrize(("name", "play_it"), SETS.items(), ids=SETS)


def recorded(name: str) -> Path:
    return TAKES / f"{name}.jsonl"


def everywhere(event: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in event.items() if key not in OF_THE_MACHINE}


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
