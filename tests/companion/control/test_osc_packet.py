"""A packet is read whole or not at all, whatever a program sends, and never for long."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from companion.control.osc import FakeOscServer
from companion.control.osc_packet import MAX_DEPTH, MAX_PACKET_BYTES, read_packet
from companion.control.parameters import PARAMETERS
from companion.control.store import ParameterStore

ADDRESS = "/companion/bass/guidance_audio"
HEADER = b"#bundle\0" + bytes(7) + b"\1"


def message(address: str, *arguments: object) -> bytes:
    """As python-osc builds it."""
    builder = OscMessageBuilder(address)
    for argument in arguments:
        builder.add_arg(argument)  # type: ignore[arg-type]
    return builder.build().dgram


def bundle(*elements: bytes) -> bytes:
    return HEADER + b"".join(struct.pack(">i", len(each)) + each for each in elements)


@given(
    st.lists(
        st.one_of(
            st.integers(-(2**31), 2**31 - 1),
            st.floats(width=32, allow_nan=False),
            st.booleans(),
            st.text(st.characters(exclude_characters="\0", exclude_categories=["Cs"])),
        ),
        max_size=8,
    )
)
def test_what_another_library_wrote_is_read_as_it_was_meant(arguments: list) -> None:
    assert read_packet(message(ADDRESS, *arguments)) == [(ADDRESS, tuple(arguments))]


def test_a_bundle_is_read_in_its_order_however_deep_and_whatever_its_date() -> None:
    inner = OscBundleBuilder(IMMEDIATELY + 2e9)
    for number in (2, 3):
        builder = OscMessageBuilder(f"/{number}")
        inner.add_content(builder.build())
    packet = bundle(message("/1"), inner.build().dgram, bundle(), message("/4", 1.0))
    assert read_packet(packet) == [("/1", ()), ("/2", ()), ("/3", ()), ("/4", (1.0,))]


def test_a_message_without_types_has_no_arguments() -> None:
    assert read_packet(b"/go\0") == [("/go", ())]


MANGLED = {
    "nothing": b"",
    "no OSC": b"GET / HT",
    "not a multiple of four": b"/a\0\0,\0\0\0\0",
    "an address without an end": b"/abc",
    "an address that is no text": b"/\xff\xfe\0",
    "a number where the types are": b"/a\0\0\0\0\0\1",
    "a type nobody knows": b"/a\0\0,X\0\0",
    "a blob": b"/a\0\0,b\0\0\0\0\0\0",
    "a number cut off": message(ADDRESS, 1.0)[:-4],
    "more than was announced": message(ADDRESS, 1.0) + bytes(4),
    "a bundle cut short": b"#bundle\0",
    "an element of less than nothing": HEADER + struct.pack(">i", -4),
    "an element of nothing": HEADER + bytes(4),
    "an element larger than its bundle": HEADER + struct.pack(">i", 8) + b"/a\0\0",
    "an element that is half a word": HEADER + struct.pack(">i", 2) + b"/a\0\0",
    "one good element and a bad one": bundle(message(ADDRESS, 3.0), b"zzzz"),
    "too long": message("/a", "x" * MAX_PACKET_BYTES),
}


@pytest.mark.parametrize("packet", MANGLED.values(), ids=MANGLED)
def test_what_is_mangled_is_refused_and_turns_nothing(packet: bytes) -> None:
    with pytest.raises(ValueError):
        read_packet(packet)
    server = FakeOscServer(ParameterStore({}, {"bass": {}}))
    server.receive_packet(packet)
    assert (server.accepted, server.rejected) == (0, 1)
    assert server.last_error.startswith("a packet that is no OSC")


def test_bundles_in_bundles_have_a_bottom() -> None:
    packet = message("/a")
    for _ in range(MAX_DEPTH):
        packet = bundle(packet)
    assert read_packet(packet) == [("/a", ())]
    with pytest.raises(ValueError, match="too many in each other"):
        read_packet(bundle(packet))


@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda b: HEADER + b)))
def test_random_bytes_turn_no_knob(packet: bytes) -> None:
    store = ParameterStore({}, {"bass": {}})
    FakeOscServer(store).receive_packet(packet)
    assert store.drain() == []


@given(st.sampled_from(PARAMETERS), st.data())
def test_a_message_damaged_on_its_way_leaves_every_knob_valid(knob, data: st.DataObject) -> None:
    player = None if knob.scope == "rig" else "bass"
    whole = bytearray(message(knob.address(player), 0.5))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    store = ParameterStore({}, {"bass": {}})
    FakeOscServer(store).receive_packet(bytes(whole))
    values = {**store.snapshot(), **store.snapshot("bass")}
    assert all(each.check(values[each.name]) == values[each.name] for each in PARAMETERS)


def test_an_error_can_be_shown_on_a_status_line() -> None:
    server = FakeOscServer(ParameterStore({}, {"bass": {}}))
    server.receive_packet(message("/companion/\x1b[2J\n" + "x" * 4000, 1.0))
    assert server.rejected == 1
    assert server.last_error.isprintable() and len(server.last_error) <= 200
