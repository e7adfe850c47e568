"""What a program is told that asks: subscriptions, all at once, and why something was refused."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from pythonosc.osc_message_builder import build_msg

from companion.control.osc import OscKnobs, OscServer
from companion.control.osc_allowance import MOST_A_SECOND, MOST_SENDERS, Allowance
from companion.control.osc_out import OscSender
from companion.control.osc_packet import Message, read_packet
from companion.control.osc_peers import Peers
from companion.control.osc_subscribers import MOST, Subscribers
from companion.control.parameters import PARAMETERS
from companion.control.preset import OscPreset
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError

LIMIT_S = 20.0


class Client:
    """A program with one socket."""

    def __init__(self, port: int) -> None:
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.bind(("127.0.0.1", 0))
        self._socket.settimeout(LIMIT_S)
        self._companion = ("127.0.0.1", port)
        self.place = self._socket.getsockname()

    def send(self, address: str, *values: Any) -> None:
        self.packet(build_msg(address, list(values)).dgram)

    def packet(self, packet: bytes) -> None:
        self._socket.sendto(packet, self._companion)

    def heard(self) -> list[Message]:
        """All that has come by the time that a ping is answered."""
        self.send("/companion/ping")
        return self.until("/companion/pong")

    def until(self, address: str) -> list[Message]:
        """What comes before a message."""
        found: list[Message] = []
        while True:
            for message in read_packet(self._socket.recv(65536)):
                if message[0] == address:
                    return found
                found.append(message)  # type: ignore[arg-type]

    def close(self) -> None:
        self._socket.close()


class World:
    """A companion's OSC, and what the session's thread does."""

    def __init__(self) -> None:
        self.store = ParameterStore({}, {"bass": {}, "drums": {}})
        self.server = OscServer(self.store, OscPreset(port=0))
        self.sender = OscSender((), (), (self.server.subscribers, self.server.latest))
        self.clients: list[Client] = []

    def client(self) -> Client:
        self.clients.append(Client(self.server.port))
        return self.clients[-1]


@contextmanager
def opened() -> Iterator[World]:
    world = World()
    try:
        yield world
    finally:
        world.server.close()
        for client in world.clients:
            client.close()


@pytest.fixture
def world() -> Iterator[World]:
    with opened() as world:
        yield world


class TestErrors:
    @pytest.mark.parametrize(
        ("address", "values", "why"),
        [
            ("/companion/bass/levle", [1.0], "there is no parameter 'levle'; nearest: level"),
            ("/other", [], "unknown address; valid: /companion/PLAYER/KNOB"),
            ("/companion/bass/level", ["loud"], "level is 'loud'; valid: from -60 to 6 dB"),
            ("/companion/bass/level", [99.0], "level is 99, taken as 6.0; valid: from -60 to 6 dB"),
            ("/companion/cycle", [0], "cycle is 0, taken as 1; valid: a whole number from 1 to 16"),
            ("/companion/bass/take", [9], "take is 9, taken as b; valid: off, a, b"),
            ("/companion/*/level/normalised", [-1], "level is -1, taken as 0; valid: from 0 to 1"),
            ("/companion/subscribe", ["here"], "port is 'here'; valid: 1 to 65535"),
            ("/companion/subscribe", [70_000], "port is 70000; valid: 1 to 65535"),
        ],
    )
    def test_what_makes_no_sense_is_answered_once_with_the_reason(
        self, world: World, address: str, values: list[Any], why: str
    ) -> None:
        client, other = world.client(), world.client()
        client.send(address, *values)
        ((told, (text,)),) = client.heard()
        assert told == "/companion/error"
        assert isinstance(text, str) and text.startswith(f"OSC {address}: {why}")
        assert other.heard() == []

    def test_what_is_no_osc_is_answered_too(self, world: World) -> None:
        client = world.client()
        client.packet(b"hello")
        ((_, (text,)),) = client.heard()
        assert str(text).startswith("a packet that is no OSC: ")

    def test_what_makes_sense_is_not_answered(self, world: World) -> None:
        client = world.client()
        client.send("/companion/bass/level", -6.0)
        client.send("/companion/bass/mute", True)
        client.send("/companion/bass/regenerate")
        assert client.heard() == []

    def test_a_flood_of_nonsense_is_not_answered_with_a_flood(self, world: World) -> None:
        client = world.client()
        for _ in range(300):
            client.send("/companion/nonsense", 1.0)
        assert MOST_A_SECOND <= len(client.heard()) < 100
        assert world.server.rejected == 300

    def test_complaints_are_not_complained_about(self, world: World) -> None:
        client = world.client()
        client.send("/companion/error", "unknown address")
        client.send("/their/error", 1)
        assert client.heard() == []
        assert world.server.rejected == 2

    def test_each_sender_may_be_told_so_often_a_second(self) -> None:
        now_s = 0.0
        complaints = Allowance(lambda: now_s)
        assert [complaints.take("a") for _ in range(12)].count(True) == MOST_A_SECOND
        assert complaints.take("b")
        now_s = 0.35
        assert [complaints.take("a") for _ in range(12)].count(True) == 3
        for each in range(10 * MOST_SENDERS):
            complaints.take(each)
        assert len(complaints._left) == MOST_SENDERS


class TestDump:
    def test_everything_is_told_to_who_asks_and_nobody_else(self, world: World) -> None:
        client, other = world.client(), world.client()
        world.store.set("level", -6.0, "drums", "midi")
        world.sender.send([("/companion/bar", (3,)), ("/companion/trouble", (1, "late", 1))])
        world.server.more.append(lambda: [("/companion/learn", (1,))])
        client.send("/companion/dump")
        told = dict(client.heard())
        for knob in PARAMETERS:
            for player in (None,) if knob.scope == "rig" else ("bass", "drums"):
                address = knob.address(player)
                assert (address in told) is (knob.kind != "trigger")
                assert (f"{address}/normalised" in told) is (knob.kind != "trigger")
        assert told["/companion/drums/level"] == (-6.0,)
        assert told["/companion/bar"] == (3,)
        assert told["/companion/trouble"] == (1, "late", 1)
        assert told["/companion/learn"] == (1,)
        assert other.heard() == []

    def test_it_is_not_told_as_often_as_somebody_may_ask(self, world: World) -> None:
        client = world.client()
        for _ in range(200):
            client.send("/companion/dump")
        told = [address for address, _ in client.heard()]
        assert MOST_A_SECOND <= told.count("/companion/cycle") < 50
        assert "/companion/error" in told

    def test_a_knob_is_told_as_it_is_and_not_as_it_was_told_last(self, world: World) -> None:
        client = world.client()
        world.sender.send([("/companion/cycle", (2,)), ("/companion/cycle/normalised", (0.1,))])
        client.send("/companion/cycle", 8)
        client.send("/companion/dump")
        assert [v for a, v in client.heard() if a == "/companion/cycle"] == [(8,)]


class TestSubscribing:
    def test_who_subscribes_is_told_all_then_what_is_new(self, world: World) -> None:
        client, other = world.client(), world.client()
        client.send("/companion/subscribe")
        assert dict(client.heard())["/companion/bass/mute"] == (0,)
        world.sender.send([("/companion/bar", (1,))])
        world.sender.send_more([("/companion/beat/phase", (0.5,))])
        assert client.heard() == [("/companion/bar", (1,)), ("/companion/beat/phase", (0.5,))]
        assert other.heard() == []
        client.send("/companion/unsubscribe")
        client.heard()
        world.sender.send([("/companion/bar", (2,))])
        assert client.heard() == []

    @pytest.mark.parametrize("kind", [int, float])
    def test_it_may_be_told_at_another_port(self, world: World, kind: type) -> None:
        hand, ear = world.client(), world.client()
        hand.send("/companion/subscribe", kind(ear.place[1]))
        hand.send("/companion/ping")
        assert "/companion/cycle" in dict(ear.until("/companion/pong"))
        hand.send("/companion/bass/levle", 1.0)
        hand.send("/companion/ping")
        assert [address for address, _ in ear.until("/companion/pong")] == ["/companion/error"]
        hand.send("/companion/unsubscribe", kind(ear.place[1]))
        assert hand.heard() == []
        world.sender.send([("/companion/bar", (2,))])
        assert ear.heard() == []

    def test_all_are_told_but_the_one_that_it_comes_from(self, world: World) -> None:
        mover, other = world.client(), world.client()
        for client in (mover, other):
            client.send("/companion/subscribe")
            client.heard()
        world.sender.send_more([("/companion/cycle", (8,))], by=mover.place)
        assert (mover.heard(), other.heard()) == ([], [("/companion/cycle", (8,))])

    def test_asking_again_is_asking_once(self, world: World) -> None:
        client = world.client()
        for _ in range(5):
            client.send("/companion/subscribe")
        client.heard()
        world.sender.send([("/companion/bar", (1,))])
        assert client.heard() == [("/companion/bar", (1,))]

    def test_the_companions_own_port_is_refused(self, world: World) -> None:
        client = world.client()
        client.send("/companion/subscribe", world.server.port)
        ((address, (why,)),) = client.heard()
        assert address == "/companion/error"
        assert f"port {world.server.port} is the companion's own" in str(why)
        assert len(world.server.subscribers) == 0

    def test_who_was_silent_longest_makes_room(self) -> None:
        told: list[int] = []
        subscribers = Subscribers(lambda _, place: told.append(place[1]))
        for port in range(1, MOST + 1):
            subscribers.add(("127.0.0.1", port))
        subscribers.heard(("127.0.0.1", 1))
        subscribers.add(("127.0.0.1", 1000))
        subscribers.tell([("/companion/bar", (1,))])
        assert sorted(told) == [1, *range(3, MOST + 1), 1000]

    def test_one_that_cannot_be_reached_is_counted_and_holds_up_nobody(self) -> None:
        told: list[int] = []

        def send(_: bytes, place: Any) -> None:
            if place[1] == 1:
                raise BlockingIOError
            told.append(place[1])

        subscribers = Subscribers(send)
        subscribers.add(("127.0.0.1", 1))
        subscribers.add(("127.0.0.1", 2))
        subscribers.tell([("/companion/bar", (1,))])
        assert (told, subscribers.sent, subscribers.dropped) == ([2], 1, 1)


class TestPeers:
    @pytest.mark.parametrize(
        ("host", "obeyed"),
        [
            ("127.0.0.1", True),
            ("127.3.2.1", True),
            ("::1", True),
            ("::ffff:127.0.0.1", True),
            ("192.168.1.20", True),
            ("::ffff:192.168.1.20", True),
            ("fe80::1%eth0", True),
            ("192.168.1.21", False),
            ("10.0.0.1", False),
            ("0.0.0.0", False),
            ("studio", False),
        ],
    )
    def test_this_machine_and_those_that_are_listed_are_obeyed(
        self, host: str, obeyed: bool
    ) -> None:
        assert Peers(["192.168.1.20", "fe80::1%eth1"]).include(host) is obeyed

    def test_somebody_else_turns_nothing_and_is_not_answered(self, world: World) -> None:
        sent: list[bytes] = []
        world.server.subscribers._send = lambda packet, _: sent.append(packet)
        turn = build_msg("/companion/cycle", [8]).dgram
        world.server._receive_one(turn, ("192.0.2.7", 9000))
        world.server._receive_one(build_msg("/companion/dump", []).dgram, ("192.0.2.7", 9000))
        assert world.store.drain() == [] and sent == []
        (refusal,) = world.store.drain_refusals()
        assert refusal.why == "OSC from 192.0.2.7, which is not in osc.peers, is not obeyed"
        assert refusal.times == 2

    def test_the_performer_is_told_who_alone_is_obeyed(self) -> None:
        for preset, only in (
            (OscPreset(port=0), ""),
            (OscPreset("0.0.0.0", 0), ", from this machine alone: osc.peers is empty"),
            (
                OscPreset("0.0.0.0", 0, peers=("192.168.1.20",)),
                ", from this machine and 192.168.1.20",
            ),
        ):
            server = OscServer(ParameterStore({}, {}), preset)
            server.close()
            assert server.only == only


def test_a_command_can_be_added() -> None:
    told: list[object] = []
    knobs = OscKnobs(ParameterStore({}, {"bass": {}}))

    def choose(arguments: tuple[Any, ...], sender: object) -> None:
        if len(arguments) != 2:
            raise CompanionError(f"{len(arguments)} values; valid: 2")
        told.append((arguments, sender))

    knobs.on("learn/choose", choose)
    knobs.receive("/companion/learn/choose", "bass", "level", sender="max")
    knobs.receive("/companion/learn/choose")
    assert told == [(("bass", "level"), "max")]
    assert (knobs.accepted, knobs.rejected) == (1, 1)
