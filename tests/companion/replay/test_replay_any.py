"""Whatever a set is made of, its take replays to the sample."""

from __future__ import annotations

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.clock.meter import METERS
from companion.control.parameters import ORDERS
from companion.replay.replay import replay
from tests.companion.clock.master import UNSHRUNK
from tests.companion.scenes import Outage, Scene, play_scene
from tests.companion.studio import Move, turn

LONGEST_S = 9.0


def seconds(first: float, last: float) -> st.SearchStrategy[float]:
    return st.floats(first, last).map(lambda value: round(value, 3))


def spans() -> st.SearchStrategy[tuple[float, float]]:
    """A stretch of the set, or none."""
    some = st.tuples(seconds(0.5, 6.0), seconds(0.3, 3.0)).map(lambda s: (s[0], s[0] + s[1]))
    return st.one_of(st.just((99.0, 99.0)), some)


def moves() -> st.SearchStrategy[Move]:
    """A knob is turned."""
    player = st.sampled_from([("bass",), ("*",)])
    own = st.one_of(
        st.tuples(st.just("level"), seconds(-20.0, 6.0)),
        st.tuples(st.sampled_from(["mute", "hold"]), st.booleans()),
        st.tuples(st.sampled_from(["again", "undo", "regenerate"]), st.just(True)),
        st.tuples(st.just("take"), st.sampled_from(["off", "a", "b"])),
        st.tuples(st.just("instrument"), st.sampled_from(["organ", "bass"])),
        st.tuples(st.just("guidance_audio"), seconds(0.0, 6.0)),
    )
    rig = st.one_of(
        st.tuples(st.just("cycle"), st.integers(1, 3)),
        st.tuples(st.just("echo_guard"), st.booleans()),
        st.tuples(st.just("order"), st.sampled_from(ORDERS)),
        st.tuples(st.just("clock"), st.sampled_from(["internal", "midi", "link", "tap"])),
        st.tuples(st.just("bpm"), seconds(60.0, 240.0)),
    )
    of_player = st.builds(lambda move, name: turn(*move, *name), own, player)
    return st.one_of(of_player, of_player, rig.map(lambda move: turn(*move, None)))


@st.composite
def scenes(draw: st.DrawFn) -> Scene:
    """Short sets; the master's tempo may be far from the preset's, as in any first rehearsal."""
    tempo = st.one_of(seconds(60.0, 240.0), seconds(110.0, 240.0))
    changes = draw(st.dictionaries(seconds(0.2, 7.0), tempo, max_size=3))
    outage = st.builds(Outage, seconds(0.2, 6.0), seconds(0.1, 2.0), st.integers(0, 900))
    outages = draw(st.lists(outage, max_size=2, unique_by=lambda each: each.at_s))
    echo = draw(st.sampled_from([0.0, 0.0, 0.0, 0.5, 1.0]))
    takes_s = st.one_of(seconds(0.05, 0.6), seconds(0.05, 0.6), seconds(0.6, 4.0))
    return Scene(
        clock=draw(st.sampled_from(["internal", "tap", "midi", "link", "follow"])),
        meter=draw(st.sampled_from(sorted(METERS))),
        count_in_bars=draw(st.integers(0, 1)),
        players=draw(st.integers(1, 2)),
        order=draw(st.sampled_from(ORDERS)),
        cycle=draw(st.integers(1, 2)),
        tempi={0.0: draw(tempo), **changes},
        start_s=draw(seconds(0.0, 3.0)),
        stopped_s=draw(spans()),
        silent_s=draw(spans()),
        ends_s=draw(seconds(5.0, LONGEST_S))
        + (5.0 if echo else 0.0),  # which takes a while to learn
        trip=draw(st.integers(0, 900)),
        echo=echo,
        outages=tuple(sorted(outages, key=lambda each: each.at_s)),
        takes_s=tuple(draw(st.lists(takes_s, min_size=1, max_size=5))),
        moves=draw(st.dictionaries(seconds(2.0, LONGEST_S), moves(), min_size=2, max_size=9)),
        block=draw(st.sampled_from([64, 256, 1000])),
        seed=draw(st.integers(0, 99)),
    )


@pytest.mark.parametrize("scene", [Scene()])
def test_a_plain_set_replays(tmp_path: Path, scene: Scene) -> None:
    played = play_scene(tmp_path, scene)
    assert played.of("plan")
    replayed = replay(played.take)
    assert replayed.notes == []
    assert replayed.identical


@settings(max_examples=15, phases=UNSHRUNK)
@given(scenes())
def test_any_set_replays_to_the_sample(scene: Scene) -> None:
    with tempfile.TemporaryDirectory() as folder:
        played = play_scene(Path(folder), scene)
        replayed = replay(played.take)
        assert (replayed.notes, replayed.differences) == ([], dict.fromkeys(replayed.differences))
