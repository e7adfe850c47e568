"""OSC packets taken apart with care: any program that reaches the port can send anything.

Stricter than python-osc's own reader, which never comes back from a bundle whose element has a
negative size, takes a number that was cut off for 0, and writes to standard error about every type
that it does not know.

What OSC allows is read, so that one message which turns no knob does not cost the others of its
bundle; of what is no OSC nothing is used.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple


@dataclass(frozen=True, slots=True)
class NoValue:
    """An argument that OSC allows and no knob takes; `what` it is, for a message."""

    what: str

    def __repr__(self) -> str:
        return self.what


IMPULSE = NoValue("an impulse")
"""What OSC 1.1 has for a button that is pushed."""
Argument = float | int | bool | str
Message = tuple[str, tuple[Argument, ...]]
Received = tuple[str, tuple[Argument | NoValue, ...]]
"""A message of somebody else's."""


class Dated(NamedTuple):
    """A message of somebody else's, and when it is meant for."""

    at_s: float | None  # seconds since 1970; None for at once
    address: str
    arguments: tuple[Argument | NoValue, ...]


MAX_PACKET_BYTES = 65_527
"""What a UDP datagram holds, over IPv6; over IPv4 it is 20 bytes less."""
MAX_DEPTH = 100
BUNDLE = b"#bundle\0"
_HEADER_BYTES = 16  # the name and a time tag
AT_ONCE = 1
"""The time tag that says so."""
SINCE_1900_S = 2_208_988_800
"""From there, where time tags count from, to 1970."""
_NUMBERS = {"i": ">i", "f": ">f", "h": ">q", "d": ">d"}
_OTHERS = {
    "N": (NoValue("nothing"), 0),
    "I": (IMPULSE, 0),
    "t": (NoValue("a time"), 8),
    "r": (NoValue("a colour"), 4),
    "m": (NoValue("a MIDI message"), 4),
}
"""What else there is of one size, in bytes."""


def is_whole(value: object, most: int) -> bool:
    """Whether an argument is a whole number, 1 to `most`; many programs send those as floats."""
    if not isinstance(value, (int, float)) or isinstance(value, bool):
        return False
    return 1 <= value <= most and value == int(value)


class _Unread(ValueError):
    """One element of a bundle that cannot be read, although the bundle is whole."""


def read_packet(packet: bytes, refuse: Callable[[str], None] = lambda _: None) -> list[Received]:
    """Every message of a packet, in order, as address and arguments; see `read_dated`."""
    return [(each.address, each.arguments) for each in read_dated(packet, refuse)]


def read_dated(packet: bytes, refuse: Callable[[str], None] = lambda _: None) -> list[Dated]:
    """Every message of a packet, in order, with the time that its bundle has.

    Of bundles in each other the latest time counts.

    Args:
        packet: as it came.
        refuse: told why of each element that cannot be read, where others can: a message with a
            type that nobody knows or without types, a bundle in too many others.

    Raises:
        ValueError: anything else in it is not as it should be, or nothing can be read; nothing of
            it may be used then.
    """
    if len(packet) > MAX_PACKET_BYTES:
        raise ValueError(f"longer than {MAX_PACKET_BYTES} bytes")
    unread: list[_Unread] = []
    messages = _element(packet, 0, unread, None)
    if unread and not messages:
        raise unread[0]
    for each in unread:
        refuse(str(each))
    return messages


def _element(data: bytes, depth: int, unread: list[_Unread], at_s: float | None) -> list[Dated]:
    if len(data) % 4:
        raise ValueError(f"{len(data)} bytes are no multiple of 4")
    try:
        if data.startswith(BUNDLE):
            return _bundle(data, depth, unread, at_s)
        if data.startswith(b"/"):
            return [Dated(at_s, *_message(data))]
    except _Unread as problem:
        unread.append(problem)
        return []
    raise ValueError("neither a message nor a bundle")


def _bundle(data: bytes, depth: int, unread: list[_Unread], at_s: float | None) -> list[Dated]:
    if depth >= MAX_DEPTH:
        raise _Unread("bundles, too many in each other")
    if len(data) < _HEADER_BYTES:
        raise ValueError("a bundle cut short")
    at_s = _later(at_s, int.from_bytes(data[len(BUNDLE) : _HEADER_BYTES], "big"))
    messages: list[Dated] = []
    index = _HEADER_BYTES
    while index < len(data):
        (size,) = struct.unpack_from(">i", data, index)  # fits: all lengths are multiples of 4
        index += 4
        if not 0 < size <= len(data) - index:
            raise ValueError(f"an element of {size} bytes in a bundle that has {len(data) - index}")
        messages += _element(data[index : index + size], depth + 1, unread, at_s)
        index += size
    return messages


def _later(at_s: float | None, tag: int) -> float | None:
    """The later of the time around a bundle and its own."""
    if tag == AT_ONCE:
        return at_s
    own_s = tag / (1 << 32) - SINCE_1900_S
    return own_s if at_s is None else max(at_s, own_s)


def _message(data: bytes) -> Received:
    address, index = _text(data, 0)
    if index == len(data):  # old senders leave the types out where there are no arguments
        return address, ()
    types, index = _text(data, index)
    if not types.startswith(","):
        raise _Unread(f"no types after {address}")
    arguments: list[Argument | NoValue] = []
    arrays = 0
    for kind in types[1:]:
        if kind == "[":
            arrays += 1
            continue
        if kind == "]":
            arrays -= 1
            argument: Argument | NoValue = NoValue("an array")
        else:
            argument, index = _argument(kind, data, index, address)
        if arrays < 0:
            raise ValueError("an array that ends before it begins")
        if arrays == 0:
            arguments.append(argument)
    if arrays:
        raise ValueError("an array without an end")
    if index != len(data):
        raise ValueError("more bytes than arguments")
    return address, tuple(arguments)


def _argument(kind: str, data: bytes, index: int, address: str) -> tuple[Argument | NoValue, int]:
    """The argument at `index`, and where the next one starts."""
    if kind in _NUMBERS:
        raw, index = _raw(data, index, struct.calcsize(_NUMBERS[kind]))
        return struct.unpack(_NUMBERS[kind], raw)[0], index
    if kind in "sS":
        return _text(data, index)
    if kind in "TF":
        return kind == "T", index
    if kind in _OTHERS:
        argument, size = _OTHERS[kind]
        return argument, _raw(data, index, size)[1]
    if kind == "c":
        raw, index = _raw(data, index, 4)
        code = int.from_bytes(raw, "big")
        return chr(code) if 0 < code < 128 else NoValue("a character"), index
    if kind == "b":
        raw, index = _raw(data, index, 4)
        size = int.from_bytes(raw, "big", signed=True)
        return NoValue("a blob"), _raw(data, index, size + -size % 4)[1]
    raise _Unread(f"an argument of type {kind!r} for {address}")


def _raw(data: bytes, index: int, size: int) -> tuple[bytes, int]:
    if not 0 <= size <= len(data) - index:
        raise ValueError("an argument cut short")
    return data[index : index + size], index + size


def _text(data: bytes, index: int) -> tuple[str, int]:
    """The text at `index`, and where the next thing starts; ValueError where it has no end."""
    end = data.index(0, index)
    return data[index:end].decode("utf-8"), end + 4 - end % 4
