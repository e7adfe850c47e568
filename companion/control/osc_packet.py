"""OSC packets taken apart with care: any program that reaches the port can send anything.

Stricter than python-osc's own reader, which never comes back from a bundle whose element has a
negative size, takes a number that was cut off for 0, and writes to standard error about every type
that it does not know.
"""

from __future__ import annotations

import struct

Argument = float | int | bool | str
Message = tuple[str, tuple[Argument, ...]]

MAX_PACKET_BYTES = 8192
MAX_DEPTH = 8
BUNDLE = b"#bundle\0"
_HEADER_BYTES = 16  # the name and a time tag
_NUMBERS = {"i": ">i", "f": ">f", "h": ">q", "d": ">d"}


def read_packet(packet: bytes) -> list[Message]:
    """Every message of a packet, in order, as address and arguments.

    Time tags are not waited for: a knob turns when its message arrives.

    Raises:
        ValueError: anything in it is not as it should be; nothing of it may be used then.
    """
    if len(packet) > MAX_PACKET_BYTES:
        raise ValueError(f"longer than {MAX_PACKET_BYTES} bytes")
    return _element(packet, 0)


def _element(data: bytes, depth: int) -> list[Message]:
    if len(data) % 4:
        raise ValueError(f"{len(data)} bytes are no multiple of 4")
    if data.startswith(BUNDLE):
        return _bundle(data, depth)
    if data.startswith(b"/"):
        return [_message(data)]
    raise ValueError("neither a message nor a bundle")


def _bundle(data: bytes, depth: int) -> list[Message]:
    if len(data) < _HEADER_BYTES or depth >= MAX_DEPTH:
        raise ValueError("a bundle cut short, or too many in each other")
    messages: list[Message] = []
    index = _HEADER_BYTES
    while index < len(data):
        (size,) = struct.unpack_from(">i", data, index)  # fits: all lengths are multiples of 4
        index += 4
        if not 0 < size <= len(data) - index:
            raise ValueError(f"an element of {size} bytes in a bundle that has {len(data) - index}")
        messages += _element(data[index : index + size], depth + 1)
        index += size
    return messages


def _message(data: bytes) -> Message:
    address, index = _text(data, 0)
    if index == len(data):  # old senders leave the types out where there are no arguments
        return address, ()
    types, index = _text(data, index)
    if not types.startswith(","):
        raise ValueError("no types")
    arguments: list[Argument] = []
    for kind in types[1:]:
        if kind in _NUMBERS:
            form = _NUMBERS[kind]
            if index + struct.calcsize(form) > len(data):
                raise ValueError("a number cut short")
            arguments += struct.unpack_from(form, data, index)
            index += struct.calcsize(form)
        elif kind == "s":
            text, index = _text(data, index)
            arguments.append(text)
        elif kind in "TF":
            arguments.append(kind == "T")
        else:
            raise ValueError(f"an argument of type {kind!r}")
    if index != len(data):
        raise ValueError("more bytes than arguments")
    return address, tuple(arguments)


def _text(data: bytes, index: int) -> tuple[str, int]:
    """The text at `index`, and where the next thing starts; ValueError where it has no end."""
    end = data.index(0, index)
    return data[index:end].decode("utf-8"), end + 4 - end % 4
