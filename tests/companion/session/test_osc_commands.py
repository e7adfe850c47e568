"""Presets and learning, asked for over OSC."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from companion.control.learn import Learn
from companion.control.midi_knobs import MidiKnobs
from companion.control.osc import OscKnobs
from companion.control.preset import parse_preset
from companion.listen.harmony import Harmony
from companion.session.osc_commands import add_learning, add_presets
from companion.session.set_list import SetList

VERSE = parse_preset("midi: {}\nplayers: [{name: bass}]", "verse.yaml")
CHORUS = parse_preset("players: [{name: bass, steps: 12}]", "chorus.yaml")
ME = ("127.0.0.1", 5000)


@dataclass
class Asked:
    """A receiver of OSC, and what it answered."""

    answers: list[tuple[str, tuple[Any, ...]]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store = VERSE.store()
        self.set_list = SetList([VERSE, CHORUS], self.store, Harmony())
        self.osc = OscKnobs(self.store, answer=lambda _, messages: self.answers.extend(messages))
        add_presets(self.osc, self.set_list)

    def send(self, address: str, *values: Any) -> list[tuple[str, tuple[Any, ...]]]:
        self.answers.clear()
        self.osc.receive(address, *values, sender=ME)
        return list(self.answers)


@contextmanager
def learning(asked: Asked) -> Iterator[MidiKnobs]:
    assert VERSE.midi is not None
    knobs = MidiKnobs(asked.store, VERSE.midi.mappings)
    learn = Learn(VERSE, knobs)
    add_learning(asked.osc, learn)
    try:
        yield knobs
    finally:
        learn.close()


@pytest.mark.parametrize("which", ["chorus", 2, 2.0])
def test_a_preset_is_chosen_by_name_or_number(which: Any) -> None:
    asked = Asked()
    assert asked.send("/companion/preset", which) == []
    assert [asked.set_list.tick(bar) for bar in (0, 1)] == ["", "chorus"]
    assert asked.store.snapshot("bass")["steps"] == 12


@pytest.mark.parametrize("values", [(), ("chorus", 2), (True,), (2.5,), (3,), ("bridge",)])
def test_what_is_no_preset_is_answered(values: tuple[Any, ...]) -> None:
    asked = Asked()
    ((address, (why,)),) = asked.send("/companion/preset", *values)
    assert address == "/companion/error" and "valid: " in why
    assert [asked.set_list.tick(bar) for bar in (0, 1)] == ["", ""]


def test_a_controller_is_learnt_shown_and_forgotten(monkeypatch: Any, tmp_path: Any) -> None:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    asked = Asked()
    with learning(asked) as knobs:
        assert asked.send("/companion/learn", 1)[0] == ("/companion/learn", (1,))
        assert asked.send("/companion/learn/choose", "bass", "temperature")[0] == (
            "/companion/learn",
            (1, "bass", "temperature"),
        )
        knobs.receive((0xB0, 55, 10), 1.0, "faders")
        shown = asked.send("/companion/learn", 0)
        assert shown[0] == ("/companion/learn", (0,))
        (text,) = [
            values[2]
            for address, values in shown
            if address == "/companion/learn/mapping" and values[:2] == ("bass", "temperature")
        ]
        assert "55" in text
        knobs.receive((0xB0, 55, 127), 2.0, "faders")
        assert asked.store.snapshot("bass")["temperature"] == 2.0
        left = asked.send("/companion/learn/forget", "bass", "temperature")
        assert not any("55" in str(values[-1]) for _, values in left)


@pytest.mark.parametrize(
    ("address", "values"),
    [
        ("learn", ("on",)),
        ("learn/choose", ("bass", "swing")),
        ("learn/choose", ("oboe", "level")),
        ("learn/choose", ()),
        ("learn/forget", ("guidance_form",)),
    ],
)
def test_what_cannot_be_learnt_is_answered(address: str, values: tuple[Any, ...]) -> None:
    asked = Asked()
    with learning(asked):
        ((where, _),) = asked.send(f"/companion/{address}", *values)
    assert where == "/companion/error"
