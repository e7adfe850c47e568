"""OSC in: the fake and the socket keep the same contract, whatever anybody sends."""

from __future__ import annotations

import math
import socket
import struct
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Hashable, Iterator
from contextlib import closing
from fractions import Fraction

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import OscBundleBuilder
from pythonosc.osc_message_builder import build_msg

from companion.control.osc import OscKnobs, OscServer
from companion.control.osc_packet import MAX_DEPTH
from companion.control.parameters import PARAMETERS, Value
from companion.control.preset import OscPreset
from companion.control.store import ALL, ParameterStore
from companion.listen.chart import read_chart
from companion.listen.chord import read_chord
from companion.listen.harmony import Harmony
from companion.system.errors import CompanionError
from tests.companion.control.fakes import FakeOscServer

PLAYERS = ("bass", "drums")
ARRIVAL_LIMIT_S = 20.0
NOW = b"#bundle\0" + struct.pack(">Q", 1)
LOOPBACKS = [(socket.AF_INET, "127.0.0.1")]
if socket.has_ipv6:
    LOOPBACKS.append((socket.AF_INET6, "::1"))
Turned = list[tuple[str, str | None, Value]]


def message(address: str, *values: object) -> bytes:
    return build_msg(address, list(values)).dgram


def bundle(*elements: bytes) -> bytes:
    return NOW + b"".join(struct.pack(">i", len(element)) + element for element in elements)


class OscSide(ABC):
    """A server whose store has `PLAYERS`, and a client."""

    def __init__(self) -> None:
        self.store = ParameterStore({}, {player: {} for player in PLAYERS})

    @property
    @abstractmethod
    def server(self) -> OscKnobs: ...

    @abstractmethod
    def send(self, *packets: bytes) -> None:
        """Send packets; returns when they were handled."""

    @abstractmethod
    def close(self) -> None:
        """Close the server, twice: the second time does nothing."""

    def turned(self) -> Turned:
        """Knob, player and new value of every change since the last call."""
        changes = self.store.drain()
        assert all(change.source == "osc" for change in changes)
        return [(change.name, change.player, change.new) for change in changes]

    def check(self) -> None:
        """Every value is one that the store would take."""
        players = {player: self.store.snapshot(player) for player in PLAYERS}
        ParameterStore(self.store.snapshot(), players)


class FakeSide(OscSide):
    def __init__(self) -> None:
        super().__init__()
        self._server = FakeOscServer(self.store)

    @property
    def server(self) -> FakeOscServer:
        return self._server

    def send(self, *packets: bytes) -> None:
        for packet in packets:
            self._server.receive_packet(packet)

    def close(self) -> None:
        self._server.close()
        self._server.close()


class Watched(OscServer):
    """Tells when a packet was handled, however that went."""

    def __init__(self, store: ParameterStore) -> None:
        self.handled = threading.Semaphore(0)
        super().__init__(store, OscPreset(port=0))

    def receive_packet(self, packet: bytes, sender: Hashable = None) -> None:
        try:
            super().receive_packet(packet, sender)
        finally:
            self.handled.release()


class RealSide(OscSide):
    def __init__(self) -> None:
        super().__init__()
        self._server = Watched(self.store)
        self._open = True

    @property
    def server(self) -> Watched:
        return self._server

    def send(self, *packets: bytes) -> None:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as client:
            for packet in packets:
                client.sendto(packet, ("127.0.0.1", self._server.port))
        for _ in packets if self._open else ():
            handled = self._server.handled.acquire(timeout=ARRIVAL_LIMIT_S)
            assert handled, "the server listens no more"

    def close(self) -> None:
        self._open = False
        self._server.close()
        self._server.close()


@pytest.fixture(params=[FakeSide, RealSide], ids=["fake", "real"])
def osc(request: pytest.FixtureRequest) -> Iterator[OscSide]:
    side = request.param()
    yield side
    side.close()


class TestContract:
    def test_a_number_turns_a_players_knob(self, osc: OscSide) -> None:
        osc.send(message("/companion/bass/guidance_audio", 3.5))
        assert osc.turned() == [("guidance_audio", "bass", 3.5)]
        assert (osc.server.accepted, osc.server.rejected) == (1, 0)

    def test_an_address_without_a_player_is_the_rigs(self, osc: OscSide) -> None:
        osc.send(message("/companion/cycle", 8))
        assert osc.turned() == [("cycle", None, 8)]

    def test_a_star_turns_every_player(self, osc: OscSide) -> None:
        osc.send(message("/companion/*/level", -6.0))
        assert osc.turned() == [("level", "bass", -6.0), ("level", "drums", -6.0)]

    @pytest.mark.parametrize(
        ("address", "turned"),
        [
            ("/companion/{bass,keys}/level", [("level", "bass")]),
            ("/companion/[a-c]*/level", [("level", "bass")]),
            ("/companion/bas?/level", [("level", "bass")]),
            ("/companion/[!x]*/level", [("level", "bass"), ("level", "drums")]),
            ("/companion/*/lev?l", [("level", "bass"), ("level", "drums")]),
            ("/companion/d*/{level,steps}", [("steps", "drums"), ("level", "drums")]),
            ("/companion/cyc*", [("cycle", None)]),
            ("/c*/bass/level", [("level", "bass")]),
            ("/*/*/level", [("level", "bass"), ("level", "drums")]),
            ("/companion/{cycle,monitor}", [("cycle", None), ("monitor", None)]),
        ],
    )
    def test_a_pattern_turns_what_it_matches(
        self, osc: OscSide, address: str, turned: list[tuple[str, str | None]]
    ) -> None:
        osc.send(message(address, 2.0))
        assert [(name, player) for name, player, _ in osc.turned()] == turned
        assert (osc.server.accepted, osc.server.rejected) == (1, 0)

    @pytest.mark.parametrize(
        ("address", "message_"),
        [
            ("/companion/k*/level", "no player matches; valid: bass, drums"),
            ("/companion/bass/lvl*", "no knob matches; valid: guidance_audio, "),
            ("/companion/bass/c?cle", "no knob matches; valid: guidance_audio, "),
            ("/companion/[ab/level", "a pattern whose [ stands alone"),
            ("/companion/b*/cycle", "there is no parameter 'cycle'"),
            ("/d*/bass/level", "unknown address"),
            ("//level", "unknown address"),
        ],
    )
    def test_a_pattern_that_matches_nothing_is_named(
        self, osc: OscSide, address: str, message_: str
    ) -> None:
        osc.send(message(address, 2.0))
        assert (osc.turned(), osc.server.rejected) == ([], 1)
        assert osc.server.last_error.startswith(f"OSC {address}: {message_}")

    def test_of_what_a_pattern_matches_those_turn_that_take_the_value(self, osc: OscSide) -> None:
        osc.send(message("/companion/bass/{instrument,level}", "organ"))
        assert osc.turned() == [("instrument", "bass", "organ")]
        assert osc.server.last_error.endswith("level is 'organ'; valid: from -60 to 6 dB")

    @pytest.mark.parametrize("knob", PARAMETERS, ids=lambda knob: knob.name)
    def test_every_knob_has_its_address_of_the_table(self, osc: OscSide, knob) -> None:
        player = None if knob.scope == "rig" else ALL
        osc.send(message(knob.address(player), float(knob.maximum)))
        assert osc.server.rejected == 0

    @pytest.mark.parametrize(
        ("name", "sent", "value"),
        [
            ("level", 99.0, 6.0),
            ("level", -1e30, -60.0),
            ("steps", 6.6, 7),
            ("steps", 0, 1),
            ("mute", 1.0, True),
            ("mute", True, True),
            ("instrument", "organ", "organ"),
            ("instrument", 0, "piano"),
            ("guidance_form", "product", "product"),
        ],
    )
    def test_a_value_is_what_the_knob_takes_from_it(
        self, osc: OscSide, name: str, sent: object, value: Value
    ) -> None:
        osc.send(message(f"/companion/bass/{name}", sent))
        assert osc.turned() == [(name, "bass", value)]

    def test_numbers_of_every_size_are_numbers(self, osc: OscSide) -> None:
        address = b"/companion/bass/level\0\0\0"
        osc.send(
            address + b",i\0\0" + struct.pack(">i", -1),
            address + b",h\0\0" + struct.pack(">q", -2),
            address + b",f\0\0" + struct.pack(">f", -3),
            address + b",d\0\0" + struct.pack(">d", -4),
        )
        assert [value for _, _, value in osc.turned()] == [-1.0, -2.0, -3.0, -4.0]

    def test_a_trigger_needs_no_value(self, osc: OscSide) -> None:
        osc.send(message("/companion/bass/regenerate"))
        osc.send(b"/companion/bass/regenerate\0\0")  # without types, as old senders write it
        osc.send(message("/companion/bass/regenerate", 1.0))
        assert osc.turned() == [("regenerate", "bass", True)] * 3
        osc.send(message("/companion/bass/regenerate", 0.0))
        assert osc.turned() == []

    def test_a_bundle_is_its_messages_in_order(self, osc: OscSide) -> None:
        level = "/companion/bass/level"
        inner = bundle(message(level, -2.0), message(level, -3.0))
        osc.send(bundle(message(level, -1.0), inner, message(level, -4.0)))
        assert [value for _, _, value in osc.turned()] == [-1.0, -2.0, -3.0, -4.0]

    def test_a_bundle_dated_ahead_is_not_waited_for(self, osc: OscSide) -> None:
        later = OscBundleBuilder(time.time() + 3600)
        content = build_msg("/companion/bass/level", [-9.0])
        later.add_content(content)  # type: ignore[arg-type]
        osc.send(later.build().dgram)
        assert osc.turned() == [("level", "bass", -9.0)]

    @pytest.mark.parametrize(
        ("address", "values", "message_"),
        [
            ("/companion/bass/levle", [1.0], "there is no parameter 'levle'; nearest: level"),
            ("/companion/keys/level", [1.0], "there is no player 'keys'; valid: bass, drums, *"),
            ("/companion/bass/cycle", [1.0], "there is no parameter 'cycle'"),
            ("/companion", [1.0], "unknown address; valid: /companion/PLAYER/KNOB"),
            ("/other/bass/level", [1.0], "unknown address"),
            ("/companion/bass/level/x", [1.0], "unknown address"),
            ("/companion/bass/level", [], "0 values; valid: 1"),
            ("/companion/bass/level", [1.0, 2.0], "2 values; valid: 1"),
            ("/companion/bass/level", ["loud"], "level is 'loud'; valid: from -60 to 6 dB"),
            ("/companion/bass/level", [True], "level is True; valid: from -60"),
            ("/companion/bass/level", [math.nan], "level is nan; valid: from -60"),
            ("/companion/bass/level", [-math.inf], "level is -inf; valid: from -60"),
            ("/companion/bass/instrument", ["kazoo"], "instrument is 'kazoo'; valid: piano"),
            ("/companion/bass/" + "x" * 5000, [1.0], "there is no parameter 'xxx"),
        ],
    )
    def test_what_makes_no_sense_is_counted_and_named(
        self, osc: OscSide, address: str, values: list, message_: str
    ) -> None:
        osc.send(message(address, *values))
        assert osc.turned() == []
        assert (osc.server.accepted, osc.server.rejected) == (0, 1)
        assert osc.server.last_error.startswith(f"OSC {address[:80]}: ")
        assert message_ in osc.server.last_error
        assert len(osc.server.last_error) <= 200
        assert osc.store.refused == (1, osc.server.last_error)

    @pytest.mark.parametrize(
        "packet",
        [
            b"",
            b"\0",
            b"/companion/bass/level",  # no end
            b"/companion/bass/level\0\0\0,f\0\0\0\0\0",  # a number cut short
            b"/companion/bass/level\0\0\0,f\0\0" + bytes(8),  # and one too long
            b"/companion/bass/level\0\0\0f\0\0\0" + bytes(4),  # no types
            b"/companion/bass/level\0\0\0,X\0\0" + bytes(4),  # an unknown type
            b"/companion/bass/instrument\0\0,s\0\0\xff\xfe\xfd\0",  # no text
            b"/\xff\xfe\0,f\0\0" + bytes(4),
            b"#bundle\0",
            NOW + struct.pack(">i", -4),  # of these a careless reader never comes back
            NOW + struct.pack(">i", -(2**31)),
            NOW + struct.pack(">i", 0),
            NOW + struct.pack(">i", 2**31 - 1),
            NOW + struct.pack(">i", 4) + b"junk",
            bytes(65_504),  # as long as a datagram of IPv4 can be
        ],
    )
    def test_what_is_no_osc_turns_nothing(
        self, osc: OscSide, packet: bytes, capfd: pytest.CaptureFixture[str]
    ) -> None:
        osc.send(packet)
        assert osc.turned() == []
        assert (osc.server.accepted, osc.server.rejected) == (0, 1)
        assert osc.server.last_error.startswith("a packet that is no OSC: ")
        assert capfd.readouterr() == ("", "")

    def test_a_bundle_that_is_not_whole_turns_nothing(self, osc: OscSide) -> None:
        whole = bundle(message("/companion/bass/level", -3.0))
        osc.send(whole + struct.pack(">i", 4) + b"junk")
        assert (osc.turned(), osc.server.rejected) == ([], 1)

    def test_bundles_in_bundles_end_somewhere(self, osc: OscSide) -> None:
        packet = message("/companion/bass/level", -3.0)
        for _ in range(MAX_DEPTH):
            packet = bundle(packet)
        osc.send(packet)
        assert osc.turned() == [("level", "bass", -3.0)]
        osc.send(bundle(packet))
        assert (osc.turned(), osc.server.rejected) == ([], 1)
        for _ in range(300):
            packet = bundle(packet)
        osc.send(packet)
        assert (osc.turned(), osc.server.rejected) == ([], 2)

    def test_a_closed_server_turns_nothing(self, osc: OscSide) -> None:
        osc.close()
        osc.send(message("/companion/bass/level", -3.0))
        assert osc.turned() == []

    def test_random_bytes_turn_nothing_and_say_nothing(
        self,
        osc: OscSide,
        capfd: pytest.CaptureFixture[str],
        caplog: pytest.LogCaptureFixture,
    ) -> None:
        untouched = [osc.store.snapshot(player) for player in PLAYERS]
        heads = st.sampled_from([b"", b"/", b"/companion/bass/level\0\0\0", b"#bundle\0", NOW])
        sizes = st.integers(-(2**31), 2**31 - 1).map(lambda size: struct.pack(">i", size))
        tails = st.lists(st.binary(max_size=40) | sizes, max_size=6).map(b"".join)

        @settings(max_examples=150, deadline=None)
        @given(heads, tails)
        def fuzz(head: bytes, tail: bytes) -> None:
            osc.send(head + tail)
            assert osc.turned() == []
            assert not osc.store.take_trigger("bass", "regenerate")

        fuzz()
        assert [osc.store.snapshot(player) for player in PLAYERS] == untouched
        assert capfd.readouterr() == ("", "")
        assert caplog.records == []  # what nobody handles is printed too
        osc.send(message("/companion/bass/steps", 3))
        assert osc.turned() == [("steps", "bass", 3)]

    @settings(
        max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        knob=st.sampled_from(PARAMETERS),
        value=st.floats(width=32) | st.integers(-(2**63), 2**63 - 1) | st.text() | st.booleans(),
        flips=st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), max_size=3),
        cut=st.integers(0, 12),
    )
    def test_a_mangled_message_leaves_every_value_valid(
        self, osc: OscSide, knob, value: object, flips: list, cut: int
    ) -> None:
        player = None if knob.scope == "rig" else "bass"
        packet = bytearray(message(knob.address(player), value))
        for where, byte in flips:
            packet[where % len(packet)] = byte
        osc.send(bytes(packet[: len(packet) - cut]))
        osc.check()


class TestSocket:
    def test_a_burst_arrives_whole(self) -> None:
        side = RealSide()
        values = [-float(number % 60) for number in range(1, 1001)]
        side.send(*(message("/companion/bass/level", value) for value in values))
        side.close()
        assert [value for _, _, value in side.turned()] == values
        assert (side.server.accepted, side.server.rejected) == (1000, 0)

    def test_nobody_else_hears_it_unless_the_preset_says_so(self) -> None:
        with closing(OscServer(ParameterStore({}, {}), OscPreset(port=0))) as server:
            assert server.address == f"127.0.0.1:{server.port}"

    @pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "0.0.0.0"])
    def test_it_is_reached_on_both_loopbacks(self, host: str) -> None:
        """Where `localhost` is ::1 some programs send to that, others to 127.0.0.1."""
        store = ParameterStore({}, {"bass": {}})
        with closing(OscServer(store, OscPreset(host, 0))) as server:
            for number, (family, to) in enumerate(LOOPBACKS, 1):
                with socket.socket(family, socket.SOCK_DGRAM) as client:
                    client.sendto(message("/companion/cycle", number), (to, server.port))
                give_up_s = time.monotonic() + ARRIVAL_LIMIT_S
                while server.accepted < number and time.monotonic() < give_up_s:
                    time.sleep(0.001)
                assert server.accepted == number

    def test_a_button_that_two_programs_hold_is_two(self) -> None:
        side = RealSide()
        pull = message("/companion/bass/undo", 1.0)
        side.send(pull, pull)
        side.send(pull, pull)
        side.close()
        assert side.turned() == [("undo", "bass", True)] * 2

    def test_a_packet_as_long_as_they_get_arrives(self) -> None:
        side = RealSide()
        fill = message("/td/chan", "x" * 100)
        side.send(bundle(*[fill] * 520, message("/companion/bass/level", -3.0)))
        side.close()
        assert side.turned() == [("level", "bass", -3.0)]

    def test_a_port_in_use_is_named_and_free_again_after_close(self) -> None:
        store = ParameterStore({}, {})
        with closing(OscServer(store, OscPreset(port=0))) as server:
            with pytest.raises(CompanionError) as error:
                OscServer(store, OscPreset(port=server.port))
            assert str(error.value).startswith(f"OSC cannot listen on 127.0.0.1:{server.port} (")
            assert "valid: an address of this machine and a port that nobody uses" in str(
                error.value
            )
        OscServer(store, OscPreset(port=server.port)).close()

    @pytest.mark.parametrize("host", ["192.0.2.1", "a..b", "x" * 300, ""])
    def test_a_host_that_is_not_this_machine_is_named(self, host: str) -> None:
        with pytest.raises(CompanionError, match=f"OSC cannot listen on {host}:9000"):
            OscServer(ParameterStore({}, {}), OscPreset(host, 9000))


class TestChords:
    def told(self, *messages: tuple[object, ...]) -> tuple[Harmony, OscKnobs]:
        harmony = Harmony(read_chart(["C"], 4))
        knobs = OscKnobs(ParameterStore({}, {"bass": {}}), harmony)
        for arguments in messages:
            knobs.receive("/companion/chord", *arguments)
        harmony.catch_up(2)
        return harmony, knobs

    def test_a_chord_begins_with_the_next_plan_or_at_a_bar(self) -> None:
        harmony, knobs = self.told(("Dm",), ("G7/B", 9))
        names = [harmony.at(bar, Fraction(0)) for bar in (1, 2, 7, 8)]
        assert names == [read_chord(name) for name in ("C", "Dm", "Dm", "G7/B")]
        assert (knobs.accepted, knobs.rejected) == (2, 0)

    def test_an_empty_name_hands_back_to_the_chart(self) -> None:
        harmony, _ = self.told(("Dm",), ("", 6.0))
        assert harmony.at(4, Fraction(0)) == read_chord("Dm")
        assert harmony.at(5, Fraction(0)) == read_chord("C")

    @pytest.mark.parametrize(
        "arguments",
        [
            *((), (3,), ("Q",), ("Dm", 0), ("Dm", 1.5), ("Dm", True), ("Dm", "9")),
            *(("Dm", 1, 2), ("Dm", math.nan), ("Dm", 10**9)),
        ],
        ids=str,
    )
    def test_what_is_no_chord_is_named(self, arguments: tuple[object, ...]) -> None:
        harmony, knobs = self.told(arguments)
        assert knobs.rejected == 1 and "valid: " in knobs.last_error
        assert harmony.at(5, Fraction(0)) == read_chord("C")
