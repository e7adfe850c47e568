"""Presets, asked for over OSC."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import pytest

from companion.control.osc import OscKnobs
from companion.control.preset import parse_preset
from companion.listen.harmony import Harmony
from companion.session.osc_presets import add_presets
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


@pytest.mark.parametrize("which", ["chorus", 2, 2.0])
def test_a_preset_is_chosen_by_name_or_number(which: Any) -> None:
    asked = Asked()
    assert asked.send("/companion/preset", which) == []
    assert [asked.set_list.tick(bar) for bar in (0, 1)] == ["", "chorus"]
    assert asked.store.snapshot("bass")["steps"] == 12


@pytest.mark.parametrize(
    "values",
    [(), ("chorus", 2), (True,), (2.5,), (3,), ("bridge",), (float("nan"),), (float("inf"),)],
)
def test_what_is_no_preset_is_answered(values: tuple[Any, ...]) -> None:
    asked = Asked()
    ((address, (why,)),) = asked.send("/companion/preset", *values)
    assert address == "/companion/error" and "valid: " in why
    assert [asked.set_list.tick(bar) for bar in (0, 1)] == ["", ""]
