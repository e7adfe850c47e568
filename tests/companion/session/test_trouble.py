"""What went wrong is told by its weight, until it is over or has been read."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.session.trouble import (
    AGAIN_S,
    KINDS,
    MOST,
    READ_S,
    SEVERITIES,
    Kind,
    Ledger,
    Trouble,
    summary_lines,
)


class World:
    """A ledger whose time and conditions are set by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.heard: list[Trouble] = []
        self.wrong: dict[Kind, str] = {}
        self.ledger = Ledger(lambda: self.now_s, self.heard.append)

    def watch(self, *kinds: Kind) -> None:
        for kind in kinds:
            self.ledger.watch(kind, lambda kind=kind: self.wrong.get(kind, ""))

    def lines(self, after_s: float = 0.0) -> list[str]:
        self.now_s += after_s
        self.ledger.tick()
        return [each.line for each in self.ledger.told]


def test_the_gravest_is_told_first_whatever_came_last() -> None:
    world = World()
    for kind in reversed(KINDS):
        world.ledger.happened(kind, kind)
    assert world.lines() == list(KINDS)
    severities = [SEVERITIES[kind] for kind in KINDS]
    assert severities == sorted(severities, reverse=True)


def test_what_lasts_is_told_until_it_is_over_and_then_until_it_has_been_read() -> None:
    world = World()
    world.watch("device")
    assert world.lines() == []
    world.wrong["device"] = "the device is gone"
    assert world.lines(1.0) == ["the device is gone"]
    assert world.lines(100.0) == ["the device is gone"]
    world.wrong.clear()
    assert world.lines(1.0) == ["over: the device is gone"]
    assert world.lines(READ_S - 0.1) == ["over: the device is gone"]
    assert world.lines(0.1) == []
    assert [each.over_s for each in world.heard] == [None, 102.0]


def test_what_happens_is_told_for_long_enough_to_be_read() -> None:
    world = World()
    world.ledger.happened("late", "bass: a stem came too late")
    assert world.lines(READ_S - 0.1) == ["bass: a stem came too late"]
    assert world.lines(0.1) == []


def test_what_is_over_gives_way_to_what_is_not() -> None:
    world = World()
    world.watch("recording")
    world.wrong["recording"] = "the disk is full"
    world.lines()
    world.wrong.clear()
    world.ledger.happened("message", "unknown address")
    assert world.lines() == ["unknown address", "over: the disk is full"]


def test_chatter_is_one_line_that_counts_and_never_hides_what_is_grave() -> None:
    world = World()
    world.watch("device")
    world.wrong["device"] = "the device is gone"
    for number in range(3000):
        world.ledger.happened("message", f"OSC /accxyz{number % 2}: unknown address", 2)
        lines = world.lines(0.01)
        assert lines[0] == "the device is gone"
        assert len(lines) == 2
    assert lines[1] == "OSC /accxyz1: unknown address (6000 times)"
    assert len(world.heard) <= 1 + 31  # and once a second to the take and over OSC
    world.heard.clear()
    for _ in range(100):
        world.ledger.happened("message", "OSC /accxyz1: unknown address")
        world.lines(2.0)
    assert len(world.heard) <= 1


def test_what_comes_again_is_counted_and_told_anew() -> None:
    world = World()
    world.watch("clock")
    for _ in range(2):
        world.wrong["clock"] = "MIDI clock has stopped coming"
        world.lines(2.0)
        world.wrong.clear()
        world.lines(2.0)
    world.wrong["clock"] = "MIDI clock is at 30.0 BPM"
    assert world.lines(2.0) == ["MIDI clock is at 30.0 BPM (3 times)"]
    world.wrong["clock"] = "MIDI clock is at 31.0 BPM"
    assert world.lines(2.0) == ["MIDI clock is at 31.0 BPM (3 times)"]
    assert [each.over_s is None for each in world.heard] == [True, False] * 2 + [True, True]


def test_ports_are_told_apart_up_to_a_bound() -> None:
    world = World()
    for number in range(10 * MOST):
        world.ledger.happened("midi", f"port {number} is gone", about=str(number))
    world.lines()
    assert len(world.ledger.told) <= MOST + 1
    assert len(world.ledger.summary()) <= MOST + 1
    assert sum(each.times for each in world.ledger.summary()) == 10 * MOST


def test_a_set_is_summed_up() -> None:
    world = World()
    world.watch("recording", "device")
    assert summary_lines(world.ledger.summary()) == []
    for _ in range(3):
        world.ledger.happened("message", "OSC /ping: unknown address")
        world.lines(READ_S + 1)  # told, read, and still counted
    world.wrong["device"] = "'USB' is gone"
    world.lines(60.0)
    world.wrong.clear()
    world.ledger.happened("news", "back after 1.00 s")
    world.wrong["recording"] = "recording has stopped: the disk is full"
    world.lines(1.0)
    assert summary_lines(world.ledger.summary()) == [
        "3 things went wrong:",
        "  1:34 recording has stopped: the disk is full, to the end",
        "  1:33 'USB' is gone",
        "  0:00 OSC /ping: unknown address (3 times)",
    ]


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_has_its_weight(kind: Kind) -> None:
    assert 0 <= SEVERITIES[kind] <= 3


@settings(max_examples=50)
@given(st.lists(st.tuples(st.floats(0.01, 3.0), st.sampled_from(["", "gone", "still gone"]))))
def test_what_is_heard_of_a_condition_is_seldom_and_in_the_end_what_is_so(
    moves: list[tuple[float, str]],
) -> None:
    world = World()
    world.watch("osc")
    heard_s: list[float] = []
    for after_s, wrong in [*moves, (0.5, moves[-1][1] if moves else "")]:
        world.wrong["osc"] = wrong
        before = len(world.heard)
        world.lines(after_s)
        heard_s += [world.now_s] * (len(world.heard) - before)
    assert all(b - a >= AGAIN_S - 1e-9 for a, b in pairwise(heard_s))
    world.lines(AGAIN_S)
    wrong = world.wrong["osc"]
    assert [each.text for each in world.heard if not each.over][-1:] == [wrong] or not wrong
    assert not world.heard or world.heard[-1].over == (not wrong)


def test_what_comes_and_goes_all_the_time_is_heard_once_a_second() -> None:
    world = World()
    world.watch("osc")
    for number in range(6000):
        world.wrong["osc"] = "OSC cannot be sent" if number // 5 % 2 else ""
        assert len(world.lines(0.01)) <= 1
    assert 2 <= len(world.heard) <= 61


def test_whoever_hears_of_what_happened_hears_when_it_has_been_read() -> None:
    world = World()
    world.ledger.happened("message", "OSC /foo: unknown address")
    world.lines()
    assert [each.over for each in world.heard] == [False]
    assert world.lines(READ_S) == []
    assert [(each.text, each.over) for each in world.heard[1:]] == [
        ("OSC /foo: unknown address", True)
    ]
    world.ledger.happened("message", "OSC /foo: unknown address")
    world.lines()
    assert [each.over for each in world.heard[2:]] == [False]


def test_chatter_at_one_address_does_not_hide_another() -> None:
    world = World()
    for number in range(500):
        world.ledger.happened("message", "OSC /acc: unknown address", 10, "/acc")
        if number == 100:
            world.ledger.happened("message", "locked: hold of bass stays as it is", 1, "hold")
        lines = world.lines(0.01)
    assert sorted(lines) == [
        "OSC /acc: unknown address (5000 times)",
        "locked: hold of bass stays as it is",
    ]


@settings(max_examples=30)
@given(st.lists(st.tuples(st.sampled_from(KINDS), st.text("abcdef", max_size=3)), max_size=60))
def test_what_is_told_is_in_order_and_bounded(happened: list[tuple[Kind, str]]) -> None:
    world = World()
    for kind, about in happened:
        world.ledger.happened(kind, f"{kind} {about}", about=about)
        world.lines(0.1)
        told = world.ledger.told
        assert [KINDS.index(each.kind) for each in told] == sorted(
            KINDS.index(each.kind) for each in told
        )
        assert len(told) <= (MOST + 1) * len(KINDS)
    assert sum(each.times for each in world.ledger.told) == len(happened)
