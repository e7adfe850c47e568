"""Whatever is thrown at the OSC port, however fast: the last values stand, and nothing grows."""

from __future__ import annotations

import random
import socket
import struct
import time
from contextlib import closing

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_message_builder import build_msg

from companion.control.osc import AT_A_TIME, OscServer
from companion.control.osc_allowance import MOST_SENDERS
from companion.control.osc_inbox import Inbox
from companion.control.osc_packet import MAX_PACKET_BYTES, SINCE_1900_S
from companion.control.osc_schedule import MOST_WAITING
from companion.control.osc_subscribers import MOST
from companion.control.preset import OscPreset
from companion.control.store import KEPT_REFUSALS, ParameterStore
from tests.companion.control.flood import KNOBS, broken_packet, flood

PLAYERS = ("bass", "drums")
LIMIT_S = 20.0
addresses = st.sampled_from(
    [
        *("/companion/bass/level", "/companion/*/{level,mute}", "/companion/subscribe"),
        *("/companion/bass/level/normalised", "/companion/dump", "/companion/ping"),
        *("/companion/unsubscribe", "/companion/chord", "/companion/error", "/[/]", "/a"),
    ]
)
values = (
    st.integers(-(2**31), 2**31 - 1)
    | st.floats(width=32)
    | st.booleans()
    | st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=40)
)
messages = st.builds(lambda a, v: build_msg(a, v).dgram, addresses, st.lists(values, max_size=3))
tags = st.integers(0, 2**64 - 1) | st.floats(-1, 6).map(
    lambda ahead: round((time.time() + ahead + SINCE_1900_S) * 2**32)
)
packets = st.recursive(
    messages,
    lambda inner: st.builds(
        lambda tag, parts: (
            b"#bundle\0"
            + struct.pack(">Q", tag)
            + b"".join(struct.pack(">i", len(each)) + each for each in parts)
        ),
        tags,
        st.lists(inner, max_size=4),
    ),
    max_leaves=8,
)


@st.composite
def broken(draw: st.DrawFn) -> bytes:
    """A packet that is cut, changed in places, or made as long as a datagram can be."""
    packet = bytearray(draw(packets | st.binary(max_size=200)))
    for where in draw(st.lists(st.integers(0, 10**6), max_size=4)):
        if packet:
            packet[where % len(packet)] = draw(st.integers(0, 255))
    end = draw(st.integers(0, 12))
    long = b"\0" * draw(st.sampled_from([0, 0, 0, 1, 4, 30_000, 60_000]))
    return (bytes(packet[: len(packet) - end]) + long)[:65_000]


class TestAnything:
    @settings(
        max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(sent=st.lists(packets | broken(), max_size=5), senders=st.lists(st.integers(1, 99)))
    def test_whatever_comes_every_value_stays_valid_and_what_is_kept_is_bounded(
        self, server: OscServer, sent: list[bytes], senders: list[int]
    ) -> None:
        for number, packet in enumerate(sent):
            port = senders[number % len(senders)] if senders else 9
            server._receive_one(packet, ("127.0.0.1", port))
        store = server._store
        players = {player: store.snapshot(player) for player in PLAYERS}
        ParameterStore(store.snapshot(), players)  # refuses what is not valid
        assert len(server.subscribers) <= MOST
        assert len(server.schedule) <= MOST_WAITING
        assert len(server._complaints._left) <= MOST_SENDERS
        assert len(store.drain_refusals()) <= KEPT_REFUSALS + 1
        assert len(server.last_error) <= 200
        assert server._thread.is_alive()

    @pytest.fixture(scope="class")
    @classmethod
    def server(cls) -> OscServer:
        """One for all: what some have sent is still there when others come."""
        store = ParameterStore({}, {player: {} for player in PLAYERS})
        server = OscServer(store, OscPreset(port=0))
        server.subscribers._send = lambda packet, place: None
        server.close()
        server._thread = Alive()  # type: ignore[assignment]
        return server


class Alive:
    def is_alive(self) -> bool:
        return True


class TestInbox:
    @given(
        st.lists(st.binary(max_size=30) | st.none(), max_size=60),
        st.integers(1, 10),
        st.integers(30, 200),
    )
    def test_what_is_let_go_is_the_oldest_and_what_is_kept_is_bounded(
        self, moves: list[bytes | None], most_packets: int, most_bytes: int
    ) -> None:
        """A packet is put in, or None takes one out."""
        inbox, put, got = Inbox(most_packets, most_bytes), 0, list[int]()
        for packet in moves:
            if packet is not None:
                inbox.put(packet, put)
                put += 1
            elif len(inbox):
                got.append(inbox.get()[1])
            assert len(inbox) <= most_packets and inbox._bytes <= most_bytes
        rest = [inbox.get()[1] for _ in range(len(inbox))]
        assert inbox._bytes == 0
        assert got + rest == sorted(got + rest)
        assert rest == list(range(put - len(rest), put))  # the last are never let go
        assert put == len(got) + len(rest) + inbox.let_go


class TestFlood:
    def test_no_last_value_is_lost_among_packets_that_are_broken(self) -> None:
        told = flood(seconds=0.5, rate=5_000, seed=3)
        assert told.lost == 0
        assert told.sent > 5 * len(KNOBS)
        assert told.broken > 100
        assert told.alive

    def test_the_server_goes_on_after_a_burst_of_the_longest_packets(self) -> None:
        store = ParameterStore({}, {player: {} for player in PLAYERS})
        with (
            closing(OscServer(store, OscPreset(port=0))) as server,
            socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client,
        ):
            dice = random.Random(1)
            for _ in range(2 * AT_A_TIME):
                client.sendto(dice.randbytes(MAX_PACKET_BYTES - 20), ("127.0.0.1", server.port))
            client.sendto(build_msg("/companion/cycle", [7]).dgram, ("127.0.0.1", server.port))
            give_up_s = time.monotonic() + LIMIT_S
            while store.snapshot()["cycle"] != 7:
                assert time.monotonic() < give_up_s
                time.sleep(0.001)


def test_broken_packets_are_of_every_kind() -> None:
    dice = random.Random(0)
    kinds = {len(broken_packet(dice)) % 4 for _ in range(200)}
    assert kinds == {0, 1, 2, 3}
