"""MIDI learn over OSC, on a learn mode without controllers."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from companion.control.osc import OscKnobs
from companion.control.osc_learn import OscLearn
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError


@dataclass(frozen=True)
class Mapping:
    player: str | None
    parameter: str
    text: str

    def __str__(self) -> str:
        return self.text


class Learn:
    def __init__(self) -> None:
        self.on = False
        self.chosen: tuple[str | None, str] | None = None
        self.bound: tuple[Mapping, ...] = ()

    def enter(self) -> None:
        self.on = True

    def leave(self) -> None:
        self.on = False

    def choose(self, player: str | None, knob: str) -> None:
        if knob == "kazoo":
            raise CompanionError("there is no parameter 'kazoo'; valid: level")
        self.chosen = player, knob

    def mappings(self) -> tuple[Mapping, ...]:
        return self.bound

    def forget(self, mapping: Mapping) -> None:
        self.bound = tuple(each for each in self.bound if each != mapping)


class World:
    def __init__(self) -> None:
        self.knobs = OscKnobs(ParameterStore({}, {"bass": {}}))
        self.learn = Learn()
        self.osc = OscLearn(self.knobs, self.learn)

    def send(self, address: str, *values: object) -> None:
        self.knobs.receive(f"/companion/learn{address}", *values)


def test_it_is_entered_and_left() -> None:
    world = World()
    assert world.osc.news() == [("/companion/learn", (False,))]
    for value, on in ((1, True), (0.0, False), (True, True), (False, False)):
        world.send("", value)
        assert world.learn.on is on
        assert world.osc.news() == [("/companion/learn", (on,))]
    assert world.osc.news() == []


def test_a_knob_is_chosen_of_a_player_or_of_the_rig() -> None:
    world = World()
    world.send("/choose", "bass", "level")
    assert world.learn.chosen == ("bass", "level")
    for values in (("cycle",), ("", "cycle")):
        world.send("/choose", *values)
        assert world.learn.chosen == (None, "cycle")
    assert world.knobs.rejected == 0


def test_what_is_bound_is_told_once_and_what_is_no_more_too() -> None:
    world = World()
    world.osc.news()
    level = Mapping("bass", "level", "CC 7")
    world.learn.bound = (level, Mapping(None, "cycle", "CC 14"), Mapping(None, "cycle", "CC 15"))
    told = "/companion/learn/mapping"
    assert world.osc.news() == [
        (told, ("bass", "level", "CC 7")),
        (told, ("", "cycle", "CC 14, CC 15")),
    ]
    assert world.osc.news() == []
    assert world.osc.messages()[1:] == [
        (told, ("bass", "level", "CC 7")),
        (told, ("", "cycle", "CC 14, CC 15")),
    ]
    world.send("/forget", "cycle")
    assert world.learn.bound == (level,)
    assert world.osc.news() == [(told, ("", "cycle", ""))]


@pytest.mark.parametrize(
    ("address", "values"),
    [
        *(("", ()), ("", ("on",)), ("", (1, 1)), ("/choose", ()), ("/choose", (1, "level"))),
        *(("/choose", ("bass", "kazoo")), ("/choose", ("a", "b", "c")), ("/forget", ("cycle",))),
    ],
)
def test_what_makes_no_sense_is_refused(address: str, values: tuple[object, ...]) -> None:
    world = World()
    world.send(address, *values)
    assert (world.knobs.accepted, world.knobs.rejected) == (0, 1)
    assert world.learn.chosen is None and not world.learn.on
