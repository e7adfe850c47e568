"""A packet is read whole or not at all, whatever a program sends, and never for long."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from companion.control.osc import OscKnobs
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
    "a blob cut off": b"/a\0\0,b\0\0\0\0\0\4",
    "a blob of less than nothing": b"/a\0\0,b\0\0" + struct.pack(">i", -4),
    "an array without an end": b"/a\0\0,[T\0",
    "an array without a beginning": b"/a\0\0,T]\0",
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
    server = OscKnobs(ParameterStore({}, {"bass": {}}))
    server.receive_packet(packet)
    assert (server.accepted, server.rejected) == (0, 1)
    assert server.last_error.startswith("a packet that is no OSC")


FOR_NO_KNOB = {
    "a blob": b"b\0\0\0\0\0\0",
    "a blob that is filled up": b"b\0\0" + struct.pack(">i", 5) + b"12345\0\0\0",
    "an array": b"[f]" + bytes(8),
    "arrays in an array": b"[i[s]T]" + bytes(8) + b"text\0\0\0\0",
    "nothing": b"N\0\0",
    "an impulse": b"I\0\0",
    "a time": b"t\0\0" + bytes(8),
    "a colour": b"r\0\0" + bytes(4),
    "a MIDI message": b"m\0\0" + b"\0\x90\x30\x40",
    "a character that is none": b"c\0\0" + bytes(4),
}


@pytest.mark.parametrize(("what", "argument"), FOR_NO_KNOB.items(), ids=FOR_NO_KNOB)
def test_what_osc_allows_and_no_knob_takes_costs_that_message_only(
    what: str, argument: bytes
) -> None:
    odd = ADDRESS.encode() + b"\0\0," + argument
    ((address, (value,)),) = read_packet(odd)
    assert address == ADDRESS
    server = OscKnobs(ParameterStore({}, {"bass": {}}))
    server.receive_packet(bundle(message(ADDRESS, 2.0), odd, message(ADDRESS, 4.0)))
    assert (server.accepted, server.rejected) == (2, 1)
    kind = "an array" if "array" in what else " ".join(what.split()[:2])
    kind = {"a MIDI": "a MIDI message"}.get(kind, kind)
    assert server.last_error == f"OSC {ADDRESS}: guidance_audio is {kind}; valid: from 0 to 6"
    assert repr(value) == kind


@pytest.mark.parametrize(
    ("argument", "value"),
    [
        (b"S\0\0organ\0\0\0", "organ"),
        (b"c\0\0\0\0\0a", "a"),
        (b"h\0\0" + struct.pack(">q", -(2**40)), -(2**40)),
        (b"d\0\0" + struct.pack(">d", 0.1), 0.1),
    ],
)
def test_further_spellings_of_a_value_are_read(argument: bytes, value: object) -> None:
    assert read_packet(b"/a\0\0," + argument) == [("/a", (value,))]


@pytest.mark.parametrize(
    "odd",
    [b"/a\0\0,X\0\0\0\0\0\0", b"/a\0\0\0\0\0\1"],
    ids=["a type nobody knows", "no types"],
)
def test_a_message_that_cannot_be_read_costs_itself_only(odd: bytes) -> None:
    store = ParameterStore({}, {"bass": {}})
    server = OscKnobs(store)
    server.receive_packet(bundle(message(ADDRESS, 2.0), bundle(odd), message(ADDRESS, 4.0)))
    assert [change.new for change in store.drain()] == [2.0, 4.0]
    assert (server.accepted, server.rejected) == (2, 1)
    assert server.last_error.startswith("OSC: ") and "/a" in server.last_error


def test_an_impulse_pulls_a_trigger() -> None:
    store = ParameterStore({}, {"bass": {}})
    OscKnobs(store).receive_packet(b"/companion/bass/undo\0\0\0\0,I\0\0")
    assert store.take_trigger("bass", "undo")


def padded(text: str) -> bytes:
    raw = text.encode()
    return raw + bytes(4 - len(raw) % 4)


def by_hand(kind: str, raw: bytes = b"") -> tuple[str, bytes]:
    return kind, raw + bytes(-len(raw) % 4)


plain = st.text(st.characters(codec="ascii", exclude_characters="\0"), max_size=9)
single = st.one_of(
    st.floats(width=32).map(lambda x: by_hand("f", struct.pack(">f", x))),
    st.integers(-(2**31), 2**31 - 1).map(lambda x: by_hand("i", struct.pack(">i", x))),
    st.integers(-(2**63), 2**63 - 1).map(lambda x: by_hand("h", struct.pack(">q", x))),
    st.floats().map(lambda x: by_hand("d", struct.pack(">d", x))),
    plain.map(lambda text: by_hand("s", text.encode() + b"\0")),
    plain.map(lambda text: by_hand("S", text.encode() + b"\0")),
    st.binary(max_size=9).map(lambda b: by_hand("b", struct.pack(">i", len(b)) + b)),
    st.binary(min_size=8, max_size=8).map(lambda raw: by_hand("t", raw)),
    st.tuples(st.sampled_from("crm"), st.binary(min_size=4, max_size=4)).map(lambda x: by_hand(*x)),
    st.sampled_from("TFNI").map(by_hand),
)
argument_lists = st.recursive(
    st.lists(single, max_size=3),
    lambda inner: st.lists(
        single | inner.map(lambda each: by_hand(f"[{joined(each)[0]}]", joined(each)[1])),
        max_size=3,
    ),
    max_leaves=6,
)


def joined(arguments: list[tuple[str, bytes]]) -> tuple[str, bytes]:
    return "".join(kind for kind, _ in arguments), b"".join(raw for _, raw in arguments)


def foreign_message(address: str, arguments: list[tuple[str, bytes]]) -> bytes:
    kinds, raw = joined(arguments)
    return padded(address) + padded(f",{kinds}") + raw


def built_elsewhere(arguments: list[object]) -> bytes:
    return message("/elsewhere", *arguments)


foreign = st.one_of(
    st.builds(foreign_message, st.sampled_from(["/1/fader", "/accxyz", "/x/[a"]), argument_lists),
    st.builds(
        built_elsewhere,
        st.lists(
            st.one_of(
                st.none(),
                st.booleans(),
                st.binary(min_size=1, max_size=9),
                st.integers(0, 255),
                plain,
                st.tuples(*[st.integers(0, 255)] * 4),
                st.lists(st.integers(0, 9), max_size=3),
            ),
            max_size=4,
        ),
    ),
    st.just(b"/unknown\0\0\0\0,Q\0\0"),
    st.just(b"/untyped\0\0\0\0" + bytes(3) + b"\1"),
)
moves = st.integers(1, 600).map(lambda x: ("move", x / 100))
content = st.recursive(
    st.lists(moves | foreign, max_size=4),
    lambda inner: st.lists(moves | foreign | st.tuples(st.binary(min_size=8, max_size=8), inner)),
    max_leaves=12,
)


def packed(of: list, tag: bytes) -> tuple[bytes, list[float], int]:
    """A bundle, the values that it moves the knob to, and how many other messages it has."""
    elements, values, others = [], [], 0
    for each in of:
        if isinstance(each, bytes):
            elements.append(each)
            others += 1
        elif each[0] == "move":
            elements.append(message(ADDRESS, each[1]))
            values.append(each[1])
        else:
            inner, inner_values, inner_others = packed(each[1], each[0])
            elements.append(inner)
            values += inner_values
            others += inner_others
    lengths = b"".join(struct.pack(">i", len(each)) + each for each in elements)
    return b"#bundle\0" + tag + lengths, values, others


@given(content, st.binary(min_size=8, max_size=8))
def test_in_any_bundle_that_osc_allows_every_message_that_turns_a_knob_does(
    of: list, tag: bytes
) -> None:
    packet, values, others = packed(of, tag)
    store = ParameterStore({}, {"bass": {}})
    server = OscKnobs(store)
    turned: list[object] = []
    store.set_number = lambda name, number, *_: turned.append((name, number))  # type: ignore
    server.receive_packet(packet)
    assert turned == [("guidance_audio", pytest.approx(value)) for value in values]
    assert server.accepted == len(values)
    if values:
        assert server.rejected == others
    else:  # of which nothing can be read may count as one
        assert min(1, others) <= server.rejected <= others


def test_a_packet_as_long_as_they_get_is_read() -> None:
    fill = message("/td/chan", "x" * 100)
    some = bundle(message(ADDRESS, 2.0), *[fill] * 520, message(ADDRESS, 4.0))
    assert 60_000 < len(some) <= 65_504
    store = ParameterStore({}, {"bass": {}})
    OscKnobs(store).receive_packet(some)
    assert [change.new for change in store.drain()] == [2.0, 4.0]


def test_a_bundle_in_too_many_costs_itself_only() -> None:
    deep = message(ADDRESS, 1.0)
    for _ in range(MAX_DEPTH + 5):
        deep = bundle(deep)
    store = ParameterStore({}, {"bass": {}})
    server = OscKnobs(store)
    server.receive_packet(bundle(message(ADDRESS, 2.0), deep, message(ADDRESS, 4.0)))
    assert [change.new for change in store.drain()] == [2.0, 4.0]
    assert (server.accepted, server.rejected) == (2, 1)


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
    OscKnobs(store).receive_packet(packet)
    assert store.drain() == []


@given(st.sampled_from(PARAMETERS), st.data())
def test_a_message_damaged_on_its_way_leaves_every_knob_valid(knob, data: st.DataObject) -> None:
    player = None if knob.scope == "rig" else "bass"
    whole = bytearray(message(knob.address(player), 0.5))
    whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    store = ParameterStore({}, {"bass": {}})
    OscKnobs(store).receive_packet(bytes(whole))
    values = {**store.snapshot(), **store.snapshot("bass")}
    assert all(each.check(values[each.name]) == values[each.name] for each in PARAMETERS)


def test_an_error_can_be_shown_on_a_status_line() -> None:
    server = OscKnobs(ParameterStore({}, {"bass": {}}))
    server.receive_packet(message("/companion/\x1b[2J\n" + "x" * 4000, 1.0))
    assert server.rejected == 1
    assert server.last_error.isprintable() and len(server.last_error) <= 200
