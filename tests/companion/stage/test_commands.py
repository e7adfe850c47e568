"""What a page may ask for."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.store import ParameterStore
from companion.listen.harmony import Harmony
from companion.session.set_list import SetList
from companion.stage.commands import BURST, MAX_CHARACTERS, RATE, Allowance, Slow, Turn, read, turn
from companion.system.errors import CompanionError
from tests.companion.page import FakeLearn
from tests.companion.studio import solo

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["set", "player", "value", "learn", "solo", "save", "x"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=8,
)


def store() -> ParameterStore:
    return ParameterStore({}, {"bass": {}, "keys": {}})


def do(knobs: ParameterStore, **given: Any) -> None:
    command = read(json.dumps(given), None, None)
    assert isinstance(command, Turn)
    turn(knobs, command)


def test_a_knob_is_turned_by_its_name_and_the_page_is_named_as_who_did() -> None:
    knobs = store()
    do(knobs, set="temperature", player="bass", value=1.3)
    do(knobs, set="order", player=None, value="apart")
    do(knobs, set="hold", player="*", value=True)
    assert knobs.snapshot("bass")["temperature"] == 1.3
    assert knobs.snapshot("keys")["temperature"] == 1.0
    assert knobs.snapshot()["order"] == "apart"
    assert all(knobs.snapshot(name)["hold"] for name in knobs.players)
    assert {change.source for change in knobs.drain()} == {"page"}


def test_the_lock_is_for_the_page_too() -> None:
    knobs = store()
    do(knobs, set="lock", value=True)
    do(knobs, set="temperature", player="bass", value=1.3)
    do(knobs, set="level", player="bass", value=-6)
    assert knobs.snapshot("bass")["temperature"] == 1.0
    assert knobs.snapshot("bass")["level"] == -6.0
    assert "locked" in knobs.refused[1]


@pytest.mark.parametrize(
    ("asked", "why"),
    [
        ({"set": "temperature", "player": "bass", "value": 9}, "temperature is 9"),
        ({"set": "temperature", "player": "bass", "value": float("nan")}, "temperature is nan"),
        ({"set": "temprature", "player": "bass", "value": 1}, "nearest: temperature"),
        ({"set": "temperature", "player": "flute", "value": 1}, "no player 'flute'"),
        ({"set": "temperature", "player": 3, "value": 1}, "player is 3"),
        ({"set": "hold", "player": "bass", "value": [1]}, r"value is \[1\]"),
        ({"set": "instrument", "player": "bass", "value": "x" * 300}, "value is 'xxx"),
        ({"learn": "enter"}, "no command"),
        ({"preset": "techno"}, "no command"),
        ({}, "no command"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(asked: dict[str, Any], why: str) -> None:
    with pytest.raises(CompanionError, match=why) as error:
        do(store(), **asked)
    assert "\n" not in str(error.value)


@given(st.text(max_size=60) | anything.map(json.dumps))
def test_nothing_that_comes_in_is_worse_than_refused(text: str) -> None:
    knobs = store()
    try:
        command = read(text, FakeLearn(), set_list())
        if isinstance(command, Turn):
            turn(knobs, command)
    except CompanionError:
        pass


def test_what_is_too_long_or_too_deep_is_not_read() -> None:
    for text in ("[" * (MAX_CHARACTERS - 1), "[" * (MAX_CHARACTERS + 1), '{"set": "bpm"'):
        with pytest.raises(CompanionError):
            read(text, None, None)


def set_list() -> SetList:
    """Two presets of a set."""
    presets = [solo("bass"), replace(solo("bass"), name="techno")]
    return SetList(presets, presets[0].store(), Harmony())


def test_learning_and_presets_are_passed_on() -> None:
    learn, presets = FakeLearn(), set_list()

    def ask(**given: Any) -> None:
        command = read(json.dumps(given), learn, presets)
        assert isinstance(command, Slow)
        command.do()

    ask(learn="enter")
    ask(learn="choose", player="bass", knob="temperature")
    learn.move(21)
    assert [(each.knob, each.number) for each in learn.state().mappings] == [("temperature", 21)]
    mapping = {
        "player": "bass",
        "knob": "temperature",
        "device": "nanoKONTROL2",
        "channel": 1,
        "kind": "cc",
        "number": 21,
    }
    ask(learn="forget", mapping=mapping)
    assert learn.state().mappings == ()
    with pytest.raises(CompanionError, match="any more"):
        ask(learn="forget", mapping=mapping)
    ask(learn="leave")
    assert not learn.state().on
    ask(preset="techno")
    presets.tick(0)
    assert presets.tick(1) == "techno"
    with pytest.raises(CompanionError, match="valid: enter, leave"):
        ask(learn="sing")


def test_a_player_is_heard_alone_and_the_rig_is_saved(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    presets = set_list()

    def ask(**given: Any) -> Any:
        command = read(json.dumps(given), None, presets)
        assert isinstance(command, Slow)
        return command.do()

    assert ask(solo="bass") is None and presets.solo.player == "bass"
    assert ask(save="bridge") == {"kind": "saved", "name": "bridge", "file": "bridge.yaml"}
    assert ask(save="bridge", over=1)["kind"] == "there"
    assert ask(save="bridge", over=True)["kind"] == "saved"
    with pytest.raises(CompanionError, match=r"name is '\.\./bridge'; valid: "):
        ask(save="../bridge")
    assert [each.name for each in tmp_path.iterdir()] == ["bridge.yaml"]


def test_a_page_may_send_a_burst_and_then_so_many_a_second() -> None:
    now = [0.0]
    allowance = Allowance(lambda: now[0])
    assert sum(allowance.take() for _ in range(int(2 * BURST))) == BURST
    now[0] += 2.0 * BURST / RATE + 1
    assert allowance.take()
