from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import pairwise

import pytest

from companion.clock.transport import Transport
from companion.control.osc_packet import read_packet
from companion.control.store import ParameterStore
from companion.players.desk import Desk
from companion.players.journal import Journal
from companion.players.metrics import BarMetrics, Metrics, PlayerMetrics
from companion.session.osc_feed import METERS_HZ, OscFeed
from tests.companion.control.fakes import FakeOscSender

RATE = 32_000
BEAT = RATE // 2


@dataclass
class Meters:
    input: float = 0.5
    output: float = 0.25
    voices: tuple[float, ...] = (0.0, 0.125, 1.0)


@dataclass
class Memory:
    meters: Meters = field(default_factory=Meters)


class Late(Metrics):
    """Every bar is late."""

    def bar(self, bar: int, players: Iterable[str]) -> BarMetrics:
        late = PlayerMetrics("repeat", -0.5, 5, 0.75, 17, "repeat")
        resting = PlayerMetrics(None, None, None, None, None, "none")
        return BarMetrics(late, {"bass": late, "drums": resting})


class World:
    """A feed, and what it sends."""

    def __init__(self, origin: int = 0) -> None:
        self.sender = FakeOscSender()
        self.store = ParameterStore({}, {"bass": {}, "drums": {}})
        self.transport = Transport(RATE, Fraction(120), origin)
        journal = Journal(None, self.transport, 0)
        desk = Desk(Memory(), self.transport, self.store, journal, Late())  # type: ignore[arg-type]
        self.feed = OscFeed(self.sender, desk)

    def told(self, *addresses: str) -> list[tuple]:
        """Address and arguments of what was sent since the last call, of some addresses or all."""
        packets, self.sender.packets[:] = list(self.sender.packets), []
        messages = [message for packet in packets for message in read_packet(packet)]
        return [each for each in messages if not addresses or each[0] in addresses]

    def play(self, start: int, end: int, tick: int = 320) -> None:
        for now in range(start, end, tick):
            self.feed.tick(now)


@pytest.mark.parametrize("tick", [1, 320, 777])
def test_every_beat_is_told_once_and_in_time(tick: int) -> None:
    world = World()
    step = max(tick, 160)
    world.play(0, 8 * BEAT + step, step)
    told = world.told("/companion/beat")
    assert [arguments for _, arguments in told] == [
        (beat % 4 + 1, beat // 4 + 1, 120.0) for beat in range(9)
    ]


def test_a_bar_line_is_one_bundle_with_beat_bar_and_metrics() -> None:
    world = World()
    world.feed.tick(0)
    (packet,) = (p for p in world.sender.packets if b"/companion/bar" in p)
    messages = dict(read_packet(packet))
    assert messages["/companion/beat"] == (1, 1, 120.0)
    assert messages["/companion/bar"] == (1,)
    assert messages["/companion/metrics/slack"] == (-0.5,)
    assert messages["/companion/metrics/staleness"] == (5,)
    assert messages["/companion/metrics/isr"] == (0.75,)
    assert messages["/companion/metrics/steps"] == (17,)
    assert messages["/companion/metrics/fallback"] == (4,)
    assert messages["/companion/bass/metrics/sounding"] == ("repeat",)
    assert messages["/companion/bass/metrics/fallback"] == (4,)


def test_what_there_is_none_of_is_not_sent() -> None:
    world = World()
    world.feed.tick(0)
    drums = {a: v for a, v in world.told() if a.startswith("/companion/drums/metrics")}
    assert drums == {
        "/companion/drums/metrics/sounding": ("listening",),
        "/companion/drums/metrics/fallback": (0,),
    }


def test_the_count_in_has_beats_and_bars_but_no_metrics() -> None:
    world = World(origin=4 * BEAT)
    world.play(0, 4 * BEAT)
    told = world.told()
    assert [v for a, v in told if a == "/companion/bar"] == [(0,)]
    assert [v[0] for a, v in told if a == "/companion/beat"] == [1, 2, 3, 4]
    assert not [a for a, _ in told if "metrics" in a]


def test_meters_are_told_twenty_times_a_second_at_most() -> None:
    world = World()
    world.play(0, RATE, 320)
    told = world.told("/companion/meter/in", "/companion/bass/meter", "/companion/drums/meter")
    assert 18 <= len(told) / 3 <= 21
    assert set(told) == {
        ("/companion/meter/in", (0.5,)),
        ("/companion/bass/meter", (0.125,)),
        ("/companion/drums/meter", (1.0,)),
    }
    world.play(RATE, 2 * RATE, RATE)
    assert len(world.told("/companion/meter/out")) == 1


def test_every_knob_is_told_at_the_start_at_the_address_that_turns_it() -> None:
    world = World()
    world.feed.start()
    told = dict(world.told())
    assert told["/companion/cycle"] == (4,)
    assert told["/companion/find_cycle"] == (1,)
    assert told["/companion/drums/mute"] == (0,)
    assert told["/companion/bass/instrument"] == ("bass",)
    assert "/companion/bass/regenerate" not in told


def test_a_knob_that_anything_but_osc_moved_is_told() -> None:
    world = World()
    world.feed.tick(0)
    world.told()
    world.store.set("cycle", 8, None, "found")
    world.store.set("level", -6.0, "bass", "midi")
    world.store.set("mute", True, "drums", "osc")
    world.store.set("regenerate", True, "drums", "midi")
    for change in world.store.drain():
        world.feed.turned(change)
    world.feed.tick(320)
    assert world.told() == [("/companion/cycle", (8,)), ("/companion/bass/level", (-6.0,))]
    world.feed.tick(640)
    assert world.told() == []


def test_after_a_long_stop_only_the_latest_beats_are_told() -> None:
    world = World()
    world.feed.tick(0)
    world.told()
    world.feed.tick(400 * BEAT)
    told = world.told("/companion/beat")
    assert len(told) == 16
    assert told[-1][1][:2] == (1, 101)


def test_the_tempo_told_is_the_present_one() -> None:
    world = World()
    world.play(0, 2 * BEAT)
    world.transport.steer(2 * BEAT, 126)
    world.told()
    world.play(2 * BEAT, 3 * BEAT)
    assert [v[2] for _, v in world.told("/companion/beat")] == pytest.approx([126.0, 126.0])


class TestSubscribers:
    """What only those are told who asked for it."""

    def more(self, world: World) -> list[tuple]:
        more, world.sender.more[:] = list(world.sender.more), []
        return [(by, message) for by, messages in more for message in messages]

    def turn(self, world: World, *moves: tuple) -> list[tuple]:
        """What is told of some moves of knobs; the rest of a tick is left out."""
        world.feed.tick(0)
        self.more(world)
        for name, value, player, source, hand in moves:
            world.store.set(name, value, player, source, hand)
        for change in world.store.drain():
            world.feed.turned(change)
        world.feed.tick(320)
        return self.more(world)

    def test_a_knob_that_osc_moved_is_told_to_all_but_who_moved_it(self) -> None:
        hand = (("127.0.0.1", 7000), "/companion/bass/mute")
        world = World()
        told = self.turn(world, ("mute", True, "bass", "osc", hand))
        assert told == [
            (hand[0], ("/companion/bass/mute", (True,))),
            (hand[0], ("/companion/bass/mute/normalised", (1.0,))),
        ]
        assert "/companion/bass/mute" not in dict(world.told())

    def test_one_that_anything_else_moved_is_told_from_0_to_1_as_well(self) -> None:
        told = self.turn(World(), ("level", 6.0, "bass", "midi", None))
        assert told == [(None, ("/companion/bass/level/normalised", (1.0,)))]

    @pytest.mark.parametrize("last", ["osc", "midi"])
    def test_of_a_controller_and_osc_at_once_everybody_is_told_what_is_so(self, last: str) -> None:
        hand = (("127.0.0.1", 7000), "/companion/cycle")
        moves = [("cycle", 8, None, "osc", hand), ("cycle", 2, None, "midi", None)]
        moves = moves if last == "midi" else moves[::-1]
        world = World()
        told = self.turn(world, *moves)
        assert world.told("/companion/cycle") == [("/companion/cycle", (moves[-1][1],))]
        assert [by for by, (address, _) in told if "/cycle" in address] == [None]

    def test_of_two_hands_on_one_knob_the_last_is_told(self) -> None:
        one, other = ((("127.0.0.1", port), "") for port in (7000, 7001))
        told = self.turn(World(), ("cycle", 8, None, "osc", one), ("cycle", 2, None, "osc", other))
        assert [each for each in told if each[1][0] == "/companion/cycle"] == [
            (other[0], ("/companion/cycle", (2,)))
        ]

    def test_the_bar_rises_from_0_to_1_in_the_meters_stream_a_float_an_address(self) -> None:
        world = World()
        world.feed._progress = lambda: {"bass": 0.25}
        world.play(0, 8 * BEAT, 320)
        told = [message for _, message in self.more(world)]
        phases = [value for address, (value,) in told if address == "/companion/beat/phase"]
        assert 4 * METERS_HZ - 2 <= len(phases) <= 4 * METERS_HZ + 2
        assert all(0.0 <= phase < 1.0 for phase in phases)
        falls = [b < a for a, b in pairwise(phases)]
        assert falls.count(True) == 1  # at the bar line
        assert all(type(value) is float for _, (value,) in told)
        assert dict(told)["/companion/bass/plan"] == (0.25,)
        assert dict(told)["/companion/drums/plan"] == (0.0,)

    def test_those_that_the_preset_names_are_told_nothing_of_that(self) -> None:
        world = World()
        world.feed.start()
        world.store.set("mute", True, "bass", "osc", (("127.0.0.1", 7000), ""))
        world.store.set("level", -3.0, "bass", "midi")
        for change in world.store.drain():
            world.feed.turned(change)
        world.play(0, 4 * BEAT)
        told = dict(world.told())
        assert told["/companion/bass/level"] == (-3.0,)
        assert told["/companion/bass/mute"] == (0,)  # as at the start: OSC's own move is not told
        assert not [a for a in told if a.endswith(("/normalised", "/phase", "/plan"))]

    def test_every_knob_is_told_from_0_to_1_at_the_start(self) -> None:
        world = World()
        world.feed.start()
        told = dict(message for _, message in self.more(world))
        assert told["/companion/drums/mute/normalised"] == (0.0,)
        assert not [address for address in told if not address.endswith("/normalised")]
