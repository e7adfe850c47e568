"""What went wrong is told by its weight, until it is over or has been read."""

from __future__ import annotations

import pytest

from companion.trouble import KINDS, MOST, READ_S, SEVERITIES, Kind, Ledger, Trouble, summary_lines


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
