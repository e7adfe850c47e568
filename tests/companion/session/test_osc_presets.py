"""Presets, asked for over OSC."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from companion.control.osc import OscKnobs
from companion.control.preset import load_preset, parse_preset
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


class Saving(Asked):
    """The same in a folder of its own; it is waited for until a preset is saved, or is not."""

    def save(self, *values: Any) -> list[tuple[str, tuple[Any, ...]]]:
        before = set(threading.enumerate())
        answers = self.send("/companion/preset/save", *values)
        for thread in set(threading.enumerate()) - before:
            thread.join()
        return answers or list(self.answers)


@pytest.fixture
def saving(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Saving:
    monkeypatch.chdir(tmp_path)
    return Saving()


def test_how_the_rig_stands_is_saved_and_can_be_switched_to(saving: Saving) -> None:
    saving.store.set("steps", 20, "bass", "midi")
    assert saving.save("bridge") == [("/companion/preset/saved", ("bridge",))]
    assert load_preset("bridge.yaml").players[0].knobs["steps"] == 20
    saving.store.set("steps", 2, "bass", "midi")
    assert saving.send("/companion/preset", "bridge") == []
    assert [saving.set_list.tick(bar) for bar in (0, 1)] == ["", "bridge"]
    assert saving.store.snapshot("bass")["steps"] == 20


def test_only_with_a_1_behind_the_name_it_is_written_over(saving: Saving) -> None:
    saving.save("bridge")
    saving.store.set("steps", 20, "bass", "midi")
    for values in (("bridge",), ("bridge", 0)):
        ((address, (why,)),) = saving.save(*values)
        assert address == "/companion/error" and "bridge is in the set already" in why
    assert "steps" not in load_preset("bridge.yaml").players[0].knobs
    assert saving.save("bridge", 1) == [("/companion/preset/saved", ("bridge",))]
    assert load_preset("bridge.yaml").players[0].knobs["steps"] == 20


@pytest.mark.parametrize(
    "values", [(), (3,), ("../x",), ("a/b",), ("",), ("x" * 99,), ("x", 2), ("x", 1, 1), ("x", "y")]
)
def test_what_is_no_name_is_answered_and_leaves_nothing(
    saving: Saving, tmp_path: Path, values: tuple[Any, ...]
) -> None:
    ((address, (why,)),) = saving.save(*values)
    assert address == "/companion/error" and "valid: " in why
    assert [*tmp_path.iterdir()] == [] and [*tmp_path.parent.glob("x*")] == []
