"""A subscriber's fader that was pushed too far is told where its knob is."""

from __future__ import annotations

from collections.abc import Hashable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.osc_allowance import MOST_A_SECOND, MOST_SENDERS, Allowance
from companion.control.osc_clamped import Clamped
from companion.control.osc_out import Messages
from companion.control.osc_packet import Message
from companion.control.store import ParameterStore
from tests.companion.control.test_osc_answers import World, world

__all__ = ["world"]


class Told:
    """What senders are told, by a clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.store = ParameterStore({}, {"bass": {}, "drums": {}})
        self.told: dict[Hashable, list[Message]] = {}
        self.clamped = Clamped(self.store, self._hear, Allowance(lambda: self.now_s))

    def _hear(self, sender: Hashable, messages: Messages) -> None:
        self.told.setdefault(sender, []).extend((a, tuple(v)) for a, v in messages)


@given(st.lists(st.floats(6.01, 99.0) | st.floats(-60.0, 6.0), min_size=1, max_size=40))
def test_however_quickly_a_fader_moves_the_last_that_is_told_is_right(values: list[float]) -> None:
    told = Told()
    for value in values:
        told.store.set_number("level", value, "bass", "osc")
        if value > 6.0:
            told.clamped.owe("me", "level", "bass")
        told.clamped.tell()
        told.now_s += 0.001
    told.now_s += 1.0
    told.clamped.tell()
    if values[-1] > 6.0:
        assert told.told["me"][-2:] == [
            ("/companion/bass/level", (6.0,)),
            ("/companion/bass/level/normalised", (1.0,)),
        ]
    assert len(told.told.get("me", [])) <= 2 * (MOST_A_SECOND + 2)


def test_a_crowd_of_senders_takes_no_room_without_end() -> None:
    told = Told()
    for number in range(10 * MOST_SENDERS):
        told.clamped.owe(number, "cycle", None)
        told.clamped.owe(number, "cycle", None)
    told.clamped.tell()
    assert len(told.told) == MOST_SENDERS
    assert all(len(messages) == 2 for messages in told.told.values())


@pytest.mark.parametrize(
    ("address", "value", "knobs"),
    [
        ("/companion/bass/level", 99.0, ["bass/level"]),
        ("/companion/*/level", 99.0, ["bass/level", "drums/level"]),
        ("/companion/bass/level/normalised", 1.5, ["bass/level"]),
        ("/companion/cycle", 99, ["cycle"]),
    ],
)
def test_a_subscriber_is_told_what_became_of_its_value(
    world: World, address: str, value: float, knobs: list[str]
) -> None:
    client = world.client()
    client.send("/companion/subscribe")
    client.heard()
    client.send(address, value)
    told = client.until(f"/companion/{knobs[-1]}/normalised")
    assert [address for address, _ in told if address != "/companion/error"] == [
        f"/companion/{knob}{last}" for knob in knobs for last in ("", "/normalised")
    ][:-1]
    assert all(number == 6.0 for address, (number,) in told if address.endswith("level"))


def test_who_is_told_nothing_else_is_not_told_that(world: World) -> None:
    client = world.client()
    client.send("/companion/bass/level", 99.0)
    client.until("/companion/error")
    assert client.heard() == client.heard() == []
