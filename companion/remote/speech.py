"""What goes over the network: the messages of `companion.generate.protocol`, in pieces.

A message is cut into pieces, so that each that arrives is a sign of life, however long the whole
takes; an empty piece is nothing but that. What both sides must agree on before the first message,
version and weights, goes ahead as text, which every version can read.

*Threading*: none; a `Mouth` and an `Ear` belong to one thread each.
"""

from __future__ import annotations

from collections.abc import Iterator

from companion.generate.loading import GeneratorName
from companion.generate.protocol import (
    HEAD_BYTES,
    VERSION,
    Message,
    ProtocolError,
    pack,
    sizes,
    unpack,
)
from companion.remote.frames import Frames

SPEECH = f"{VERSION}.1"
"""The messages' version, and that of how they are cut and of what sound looks like."""
METHOD = "/companion.Generator/Speak"
PIECE_BYTES = 16 << 10
MOST_BYTES = 32 << 20
"""Of a whole message: twice what eight players with two stems each ask for."""
BEAT_S = 0.1
"""So often each side gives a sign of life, at least."""
BEAT = b""
TOKEN, SAID_VERSION, SAID_GENERATOR = "token", "version", "generator"
"""What a rig tells about itself before the first message."""


class Mouth:
    """Makes pieces of messages."""

    def __init__(self) -> None:
        """Nothing was said yet."""
        self._frames = Frames()

    def pieces(self, message: Message) -> Iterator[bytes]:
        """What to send, in order; ProtocolError if it is too long."""
        data = pack(message, self._frames)
        if len(data) > MOST_BYTES:
            raise ProtocolError(f"message of {len(data)} bytes; valid: up to {MOST_BYTES}")
        for at in range(0, len(data), PIECE_BYTES):
            yield data[at : at + PIECE_BYTES]


class Ear:
    """Makes messages of pieces."""

    def __init__(self) -> None:
        """Nothing was heard yet."""
        self._frames = Frames()
        self._data = bytearray()

    def hear(self, piece: bytes) -> list[Message]:
        """The messages that this piece ends; ProtocolError if it can be no piece of one."""
        self._data += piece
        heard: list[Message] = []
        while len(self._data) >= HEAD_BYTES:
            header, body = sizes(bytes(self._data[:HEAD_BYTES]))
            if HEAD_BYTES + header + body > MOST_BYTES:
                raise ProtocolError(f"message of {header + body} bytes; valid: up to {MOST_BYTES}")
            end = HEAD_BYTES + header + body
            if len(self._data) < end:
                break
            said = bytes(self._data[HEAD_BYTES:end])
            del self._data[:end]
            heard.append(unpack(said[:header], said[header:], self._frames))
        return heard


def generator_id(generator: GeneratorName, digest: str) -> str:
    """What tells generators apart whose plans do not go together; `digest` is of the weights."""
    return f"{generator} {digest}".strip()


def refusal(version: str, generator: str, own: str, who: str) -> str:
    """Why a rig and a box cannot play together, one line; empty if they can.

    Args:
        version, generator: what the rig says.
        own: the box's `generator_id`.
        who: what the box is called.
    """
    if version != SPEECH:
        return f"this rig speaks version {version!r}, {who} {SPEECH!r}; valid: the same release"
    if generator != own:
        return f"this rig has the generator {generator!r}, {who} {own!r}; valid: the same weights"
    return ""
