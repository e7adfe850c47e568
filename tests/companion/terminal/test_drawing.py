"""What is drawn of what was told, without a session: any size, any state."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.stage.sections import table
from companion.terminal.board import board
from companion.terminal.foot import foot, keys, tabs
from companion.terminal.hands import Hands
from companion.terminal.heading import chords, count, heading
from companion.terminal.lanes import lanes
from companion.terminal.told import Told
from tests.companion.studio import solo

NAMES = ("bass", "drums", "a-very-long-name-of-a-player", "keys")
MAPPED = {
    **{"player": "bass", "knob": "temperature", "device": "nano", "channel": 1, "kind": "cc"},
    **{"number": 21, "clashes": [], "waits": [["bass", 0.5]]},
}


def told(**parts: Any) -> Told:
    """A band of four in its seventh bar, but for what is said to be otherwise."""
    store = solo(*NAMES).store()
    knobs = {"": dict(store.snapshot())} | {name: dict(store.snapshot(name)) for name in NAMES}
    player = {"sounding": "plan", "slack": 1.25, "isr": 0.98, "fallback": "none"}
    bars = [[6, "plan", True, True, False, 3], [7, None, False, True, False, 3]]
    bars += [[8, None, False, False, True, None]]
    state = {
        "kind": "state",
        "moving": {
            **{"now": 0, "beat": 25.5, "bpm": 120.0, "in": 0.5, "out": 0.5},
            **{"levels": [0.5, 0.0, 0.01, 1.0], "plans": [0.25, 0.0, 0.0, 0.0]},
        },
        "place": {"bar": 6, "bars": 32, "before": 0, "song": None, "lines": []},
        "knobs": knobs,
        "players": [{"name": name, "bars": bars, **player} for name in NAMES],
        "chords": [[6, 0.0, "Am"], [7, 0.0, "F"], [7, 0.5, "G"], [8, 0.0, "Am"]],
        "clock": {
            **{"name": "internal", "running": True, "sure": 1.0, "off": 0, "holds": True},
            **{"xruns": 0, "trip": 0},
        },
        "trouble": [],
        "learn": None,
        "presets": ["verse", "verse", "chorus"],
        "coming": "",
        "solo": None,
        "said": ["OSC: 127.0.0.1:9000"],
        **parts,
    }
    opening = {
        **{"table": table(), "names": list(NAMES), "preset": "verse", "meter": "4/4", "beats": 4},
        **{"rate": 48000, "hop": 0, "devices": ["USB Audio", "USB Audio"], "chart": True},
    }
    found = Told(lambda: 0.0)
    found.take({"kind": "hello", "opening": opening, "state": state})
    return found


def trouble(text: str, severity: int = 3, over: bool = False) -> dict[str, Any]:
    return {"text": text, "severity": severity, "over": over, "times": 1}


def learning(**state: Any) -> dict[str, Any]:
    return {"on": True, "chosen": None, "mappings": [MAPPED], "trouble": "", **state}


@given(st.integers(20, 200), st.integers(0, 60), st.sampled_from([None, *NAMES]), st.booleans())
def test_nothing_is_wider_or_higher_than_its_place(
    width: int, height: int, player: str | None, learns: bool
) -> None:
    now = told(
        trouble=[trouble("the sound device 'USB Audio' is gone " * 5)] * 5,
        learn=learning(chosen=["bass", "temperature"]) if learns else None,
    )
    drawn = {
        "heading": heading(now, max(width, 60)),
        "lanes": lanes(now, width, player),
        "board": board(now, player, 3, width, height),
        "foot": foot(now, width, max(height, 1)),
        "keys": keys(width),
        "tabs": tabs(now, player, now.knobs(player)[0], width),
    }
    for name, text in drawn.items():
        widest = max(line.cell_len for line in text.split("\n", allow_blank=True))
        assert widest <= max(width, 60 if name == "heading" else 41), (name, widest)
    assert len(drawn["board"].split("\n")) <= max(height, 1)
    assert len(drawn["foot"].split("\n")) <= max(height, 1)


@given(st.integers(1, 40), st.integers(39, 200), st.data())
def test_the_knob_under_the_keys_is_always_seen(height: int, width: int, data: Any) -> None:
    now = told()
    under = data.draw(st.integers(0, len(now.knobs("bass")) - 1))
    shown = board(now, "bass", under, width, height).plain
    name = now.knobs("bass")[under].name.replace("_", " ")
    assert f"▶ {name}" in shown


def test_bar_beat_and_the_chords_that_are_next_are_read_from_the_beat() -> None:
    now = told()
    assert count(now) == "7:2"
    assert chords(now) == ("Am", ["F", "G", "Am"])
    now.moving = {**now.moving, "beat": 30.0}
    assert (count(now), chords(now)[0]) == ("8:3", "G")
    now.moving = {**now.moving, "beat": -3.0}
    assert count(now) == "-:2"
    assert "count-in of 32" in heading(now, 80).plain


def test_a_lane_says_what_sounds_what_is_planned_and_at_what_price() -> None:
    now = told(solo="keys")
    for name, value in (("mute", True), ("hold", True), ("take", "b")):
        now.parts["knobs"]["keys"][name] = value
    now.parts["players"][3] |= {"sounding": "repeat", "slack": -0.5, "isr": 0.5}
    lines = lanes(now, 110, "bass").plain.split("\n")
    bass, keys_lane = lines[2], lines[5]
    assert bass.startswith("▶ bass") and "plan" in bass and "−6 dB" in bass
    assert "█▄░···" in bass and " 25%" in bass and "1.2 s" in bass and "98%" in bass
    assert "again" in keys_lane and "−0.5 s" in keys_lane
    assert keys_lane.rstrip().endswith("solo hold take b")


def test_a_knob_shows_its_controller_or_a_dash_and_what_it_waits_for() -> None:
    lines = board(told(learn=learning(chosen=["bass", "steps"])), "bass", 0, 100, 30).plain
    assert "CC 21 ch 1↕" in next(line for line in lines.split("\n") if "temperature" in line)
    assert " – " in next(line for line in lines.split("\n") if "confidence" in line)
    assert "◉ steps" in lines
    assert "–" not in board(told(), "bass", 0, 60, 30).plain


def test_at_the_bottom_the_gravest_stands_and_how_many_more_there_are() -> None:
    gone = [trouble(f"port {number} is gone") for number in range(4)]
    assert foot(told(trouble=gone), 80, 2).plain == "port 0 is gone\nport 1 is gone  and 2 more"
    over = foot(told(trouble=[trouble("the port is gone", over=True)]), 80, 2)
    assert over.plain == "over: the port is gone"
    assert foot(told(), 80, 2).plain.startswith("USB Audio → USB Audio, 48 kHz")
    unkept = learning(trouble="cannot write 'mine.yaml'")
    assert "not kept: cannot write 'mine.yaml'" in foot(told(learn=unkept), 120, 2).plain
    assert "not kept" in foot(told(learn={**unkept, "on": False}), 120, 2).plain


# --- keys ----------------------------------------------------------------------------------------


class Windows:
    """Answers at once."""

    def __init__(self, answer: str = "") -> None:
        self.answer, self.asked = answer, list[Any]()

    def pick(self, title: str, names: Any, now: str, then: Any) -> None:
        self.asked.append((title, list(names), now))
        then(self.answer)

    def name(self, title: str, then: Any) -> None:
        then(self.answer)

    def keys(self) -> None:
        self.asked.append("keys")


def pressed(*names: str, now: Told | None = None, answer: str = "") -> list[dict[str, Any]]:
    """What is asked for by keys, one after the other."""
    asked: list[Any] = []
    hands = Hands(told() if now is None else now, asked.append, Windows(answer))
    for name in names:
        hands.press(name, name if len(name) == 1 else None)
    return asked


def knob(name: str, value: Any, player: str | None = "bass") -> dict[str, Any]:
    return {"set": name, "player": player, "value": value}


@pytest.mark.parametrize(
    ("names", "asked"),
    [
        (["right"], [knob("guidance_audio", 3.05)]),
        (["right", "right"], [knob("guidance_audio", 3.05), knob("guidance_audio", 3.1)]),
        (["pagedown"], [knob("guidance_audio", 2.5)]),
        (["home"], [knob("guidance_audio", 0.0)]),
        (["end", "delete"], [knob("guidance_audio", 6.0), knob("guidance_audio", 3.0)]),
        (["down", "up", "1", ".", "5", "enter"], [knob("guidance_audio", 1.5)]),
        (["1", "2", "backspace", "enter"], [knob("guidance_audio", 1.0)]),
        (["1", "escape", "enter"], []),
        (["tab", "m"], [knob("mute", True, "drums")]),
        (["h"], [knob("hold", True)]),
        (["a", "n", "u"], [knob(name, True) for name in ("again", "regenerate", "undo")]),
        (["s"], [{"solo": "bass"}]),
        (["shift+tab", "right"], [knob("clock", "tap", None)]),
        (["k"], [knob("lock", True, None)]),
        (["t"], [knob("tap", True, None)]),
        (["shift+tab", "m", "s"], []),
        (["l"], []),
        (["question_mark"], []),
    ],
)
def test_keys_ask_for_what_the_page_would(names: list[str], asked: list[Any]) -> None:
    assert pressed(*names) == asked


def test_a_name_and_a_preset_are_asked_for_in_a_window() -> None:
    assert pressed("w", answer="bridge") == [{"save": "bridge"}]
    assert pressed("p", answer="chorus") == [{"preset": "chorus"}]


def test_of_many_choices_one_is_picked_and_few_are_gone_through() -> None:
    names = [each.name for each in told().knobs("bass")]
    down = ["down"] * names.index("instrument")
    assert pressed(*down, "enter", answer="organ") == [knob("instrument", "organ")]
    down = ["down"] * names.index("take")
    assert pressed(*down, "enter") == [knob("take", "a")]


def test_in_learn_mode_a_knob_is_chosen_and_its_controller_forgotten_not_moved() -> None:
    names = [each.name for each in told().knobs("bass")]
    down = ["down"] * names.index("temperature")
    asked = pressed(*down, "enter", "delete", "escape", now=told(learn=learning()))
    known = {key: of for key, of in MAPPED.items() if key not in ("clashes", "waits")}
    assert asked == [
        {"learn": "choose", "player": "bass", "knob": "temperature"},
        {"learn": "forget", "mapping": known},
        {"learn": "leave"},
    ]


def test_with_the_lock_on_only_what_it_leaves_free_is_turned() -> None:
    now = told()
    now.parts["knobs"][""]["lock"] = True
    assert pressed("right", "m", "h", "k", now=now) == [
        knob("mute", True),
        knob("lock", False, None),
    ]
    assert now.said == "locked: hold stays as it is (k lets go)"


def test_what_is_typed_and_no_number_is_said() -> None:
    now = told()
    assert pressed("1", ".", ".", "enter", now=now) == []
    assert now.said == "1.. is no number; valid: from 0 to 6"
