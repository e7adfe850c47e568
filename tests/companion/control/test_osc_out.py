"""OSC out: the fake and the socket keep the same contract."""

from __future__ import annotations

import socket
from abc import ABC, abstractmethod
from collections.abc import Iterator
from contextlib import closing

import pytest

from companion.control.osc_out import OscSender, bundle
from companion.control.osc_packet import BUNDLE, Message, read_packet
from companion.control.preset import OscTarget
from companion.system.errors import CompanionError
from tests.companion.control.fakes import FakeOscSender

ARRIVAL_LIMIT_S = 20.0


class Side(ABC):
    """An open sender and who listens to it."""

    sender: OscSender

    @abstractmethod
    def packets(self, count: int) -> list[bytes]:
        """The next packets that arrive."""

    def close(self) -> None:
        self.sender.close()
        self.sender.close()


class FakeSide(Side):
    def __init__(self) -> None:
        self.sender = FakeOscSender()

    def packets(self, count: int) -> list[bytes]:
        found, self.sender.packets[:] = self.sender.packets[:count], self.sender.packets[count:]
        return found


class RealSide(Side):
    def __init__(self) -> None:
        self.listener = listener()
        self.sender = OscSender([OscTarget(self.listener.getsockname()[1])])

    def packets(self, count: int) -> list[bytes]:
        return [self.listener.recv(65536) for _ in range(count)]

    def close(self) -> None:
        super().close()
        self.listener.close()


def listener() -> socket.socket:
    found = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    found.bind(("127.0.0.1", 0))
    found.settimeout(ARRIVAL_LIMIT_S)
    return found


@pytest.fixture(params=[FakeSide, RealSide])
def side(request: pytest.FixtureRequest) -> Iterator[Side]:
    side = request.param()
    yield side
    side.close()


MESSAGES: list[Message] = [
    ("/companion/bar", (3,)),
    ("/companion/bass/level", (-6.5,)),
    ("/companion/bass/instrument", ("electric piano",)),
    ("/companion/beat", (1, 3, 120.0)),
]


class TestContract:
    def test_messages_arrive_as_one_bundle(self, side: Side) -> None:
        side.sender.send(MESSAGES)
        (packet,) = side.packets(1)
        assert packet.startswith(BUNDLE)
        assert read_packet(packet) == MESSAGES
        assert (side.sender.sent, side.sender.dropped) == (1, 0)

    def test_a_switch_is_sent_as_a_number(self, side: Side) -> None:
        side.sender.send([("/companion/bass/mute", (True,)), ("/companion/find_cycle", (False,))])
        (packet,) = side.packets(1)
        assert [arguments for _, arguments in read_packet(packet)] == [(1,), (0,)]
        assert b",i" in packet

    def test_bundles_arrive_in_order(self, side: Side) -> None:
        for bar in range(20):
            side.sender.send([("/companion/bar", (bar,))])
        bars = [read_packet(packet)[0][1][0] for packet in side.packets(20)]
        assert bars == list(range(20))

    def test_nothing_is_no_packet(self, side: Side) -> None:
        side.sender.send([])
        side.sender.send(MESSAGES)
        assert read_packet(side.packets(1)[0]) == MESSAGES
        assert side.sender.sent == 1

    def test_after_the_end_nothing_is_sent(self, side: Side) -> None:
        side.sender.close()
        side.sender.send(MESSAGES)
        assert side.sender.sent == 0


def test_the_time_tag_says_at_once() -> None:
    assert bundle(MESSAGES)[8:16] == bytes([0, 0, 0, 0, 0, 0, 0, 1])


def test_every_target_gets_it() -> None:
    ears = [listener(), listener()]
    with closing(OscSender([OscTarget(ear.getsockname()[1]) for ear in ears])) as sender:
        sender.send(MESSAGES)
        assert all(read_packet(ear.recv(65536)) == MESSAGES for ear in ears)
    for ear in ears:
        ear.close()


def test_nobody_who_listens_is_no_error() -> None:
    gone = listener()
    port = gone.getsockname()[1]
    gone.close()
    with closing(OscSender([OscTarget(port)])) as sender:
        for _ in range(3):
            sender.send(MESSAGES)
        assert sender.sent + sender.dropped == 3


def test_what_cannot_be_sent_is_dropped_and_counted() -> None:
    ear = listener()
    with closing(OscSender([OscTarget(ear.getsockname()[1]), OscTarget(9001)])) as sender:
        sender.send([("/companion/long", ("x" * 70_000,))])  # more than a datagram holds
        assert (sender.sent, sender.dropped) == (0, 2)
        sender.send(MESSAGES)
        assert read_packet(ear.recv(65536)) == MESSAGES
    ear.close()


def test_an_address_that_is_everybody_reaches_them() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as ear:
        ear.bind(("0.0.0.0", 0))
        ear.settimeout(ARRIVAL_LIMIT_S)
        target = OscTarget(ear.getsockname()[1], "127.255.255.255")
        with closing(OscSender([target])) as sender:
            sender.send(MESSAGES)
            assert (sender.sent, sender.dropped) == (1, 0)
            assert read_packet(ear.recv(65536)) == MESSAGES


def test_a_listener_that_never_reads_does_not_hold_it_up() -> None:
    deaf = listener()
    deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
    with closing(OscSender([OscTarget(deaf.getsockname()[1])])) as sender:
        for _ in range(2000):
            sender.send(MESSAGES)
        assert sender.sent + sender.dropped == 2000
        assert all(not each.getblocking() for each, _ in sender._targets)
    deaf.close()


def test_a_host_that_is_not_known_is_named() -> None:
    with pytest.raises(CompanionError, match=r"OSC cannot send to no\.such\.host\.invalid:9001"):
        OscSender([OscTarget(9001, "no.such.host.invalid")])


def test_a_target_that_cannot_be_sent_to_is_named_until_it_can(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Network:
        error: OSError | None = None

        def sendto(self, packet: bytes, where: object) -> None:
            if self.error is not None:
                raise self.error

        def close(self) -> None:
            pass

    network = Network()
    monkeypatch.setattr("companion.control.osc_out.open_sender", lambda *_: (network, ("", 0)))
    with closing(OscSender([OscTarget(9001, "192.0.2.1")])) as sender:
        assert sender.trouble == ""
        network.error = OSError(101, "Network is unreachable")
        sender.send(MESSAGES)
        assert sender.trouble == "OSC cannot be sent to 192.0.2.1:9001 (Network is unreachable)"
        network.error = None
        sender.send(MESSAGES)
        assert sender.trouble == ""
        network.error = BlockingIOError(11, "Resource temporarily unavailable")
        sender.send(MESSAGES)
        assert (sender.trouble, sender.sent, sender.dropped) == ("", 1, 2)
