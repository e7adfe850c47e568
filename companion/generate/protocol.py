"""What the worker and the process that holds the generator say to each other.

A message on the wire is a fixed head (magic, two lengths), a JSON header and its arrays as
safetensors. Nothing is pickled, every length is bounded before it is read, and whatever does not
fit exactly is a `ProtocolError`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping, Sized
from dataclasses import dataclass, field, fields, is_dataclass
from typing import Any, BinaryIO, Protocol, get_args

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import load, save

from companion.system.errors import CompanionError
from companion.system.json_value import made
from model.abilities import Abilities
from model.grid import LEVELS
from model.request import StemRequest, StemResult

VERSION = 5
MAX_STEMS = 32
"""Stems in a plan."""
MAX_HEADER_BYTES = 1 << 20
MAX_MESSAGE_BYTES = 64 << 20
_MAGIC = b"STEM"
_HEAD = struct.Struct(">4sII")
HEAD_BYTES = _HEAD.size
_FRESH = " fresh"
"""Behind the name of an array: what else of it there is, where sound has a form of its own."""


class ProtocolError(CompanionError):
    """What came through the pipe is no message."""


class SoundForm(Protocol):
    """How sound travels where it is not to be sent as it is."""

    def put(self, audio: NDArray) -> tuple[NDArray, NDArray] | None:
        """What goes in place of an array; None if it goes as it is."""
        ...

    def take(self, places: NDArray, fresh: NDArray) -> NDArray:
        """The array for which these two came; ValueError if they are not what `put` gives."""
        ...


@dataclass(frozen=True, slots=True)
class Hello:
    """First word of the generator's side: it lives, and loads."""

    version: int = VERSION


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """Second word: it is loaded and warm."""

    max_frames: int  # longest window it fills
    device: str  # what it computes on
    plan_s: float  # seconds that a typical plan takes when it is warm
    threads: int  # processor threads it computes with; 0 where that has no meaning
    silence: NDArray[np.int16]  # int16 [4, max_frames], tokens that sound like nothing
    # seconds of that plan's stages, as in `StemResult.timings`
    timings: Mapping[str, float] = field(default_factory=dict)
    abilities: Abilities = field(default_factory=Abilities)
    # float32 [recordings, width], what the instruments sound like in those that it was given
    recorded: NDArray[np.float32] = field(default_factory=lambda: np.zeros((0, 0), np.float32))

    def __post_init__(self) -> None:
        if self.silence.shape != (LEVELS, self.max_frames) or self.silence.dtype != np.int16:
            raise ValueError(f"silence of shape {self.silence.shape}")
        if self.recorded.ndim != 2 or self.recorded.dtype != np.float32:
            raise ValueError(f"recorded of shape {self.recorded.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Fill these windows together."""

    number: int
    requests: tuple[StemRequest, ...]

    def __post_init__(self) -> None:
        _check_number(self.requests)


@dataclass(frozen=True, slots=True)
class Progress:
    """Plan `number` is being made, `share` of it (0..1) is done: a sign of life."""

    number: int
    share: float


@dataclass(frozen=True, slots=True)
class Finish:
    """Fill what is left of plan `number` in one pass a level."""

    number: int


@dataclass(frozen=True, slots=True)
class Cancel:
    """Give up plan `number`."""

    number: int


@dataclass(frozen=True, slots=True, eq=False)
class Result:
    """Plan `number` is done and took `seconds`."""

    number: int
    # what was asked for, in that order; in place of a stem that failed, why
    stems: tuple[StemResult | str, ...]
    seconds: float

    def __post_init__(self) -> None:
        _check_number(self.stems)


@dataclass(frozen=True, slots=True)
class Failed:
    """Plan `number` is lost; with number -1 the generator cannot serve at all."""

    number: int
    reason: str


Message = Hello | Ready | Plan | Progress | Finish | Cancel | Result | Failed
KINDS: dict[str, Any] = {kind.__name__: kind for kind in get_args(Message)}
NO_PLAN = -1
CANCELLED = "cancelled"
"""The reason of a plan that failed because it was told to."""


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write one message and flush. OSError or ValueError when the other side is gone."""
    stream.write(pack(message))
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Wait for one message; None at the end of the stream.

    ProtocolError if what came is no message, or stops in the middle of one.
    """
    head = stream.read(_HEAD.size)
    if not head:
        return None
    header_bytes, body_bytes = sizes(head)
    data = stream.read(header_bytes + body_bytes)
    if len(data) < header_bytes + body_bytes:
        raise ProtocolError(f"message of {header_bytes + body_bytes} bytes ends at {len(data)}")
    return unpack(data[:header_bytes], data[header_bytes:])


def sizes(head: bytes) -> tuple[int, int]:
    """Bytes of header and arrays, from the `HEAD_BYTES` before them; ProtocolError if too many."""
    if len(head) < _HEAD.size or head[:4] != _MAGIC:
        raise ProtocolError(f"message starts with {head[:16]!r}; valid: {_MAGIC!r}")
    _, header_bytes, body_bytes = _HEAD.unpack(head)
    _check_size(header_bytes, body_bytes)
    return header_bytes, body_bytes


def pack(message: Message, sound: SoundForm | None = None) -> bytes:
    """The bytes of a message; ProtocolError if it is larger than 64 MiB.

    With a form of `sound` only who unpacks with its counterpart understands it.
    """
    arrays: dict[str, NDArray] = {}

    def as_json(value: Any) -> object:
        if isinstance(value, np.ndarray):
            name = str(len(arrays))
            if sound is not None and (put := sound.put(value)) is not None:
                arrays[name], arrays[name + _FRESH] = put
                return {"sound": name}
            arrays[name] = np.ascontiguousarray(value)
            return {"array": name}
        if is_dataclass(value):
            return {each.name: getattr(value, each.name) for each in fields(value)}
        return dict(value) if isinstance(value, Mapping) else value.item()  # a number of numpy's

    said = {"kind": type(message).__name__, "fields": message}
    header = json.dumps(said, allow_nan=False, default=as_json).encode()
    body = save(arrays)
    _check_size(len(header), len(body))
    return _HEAD.pack(_MAGIC, len(header), len(body)) + header + body


def unpack(header: bytes, body: bytes, sound: SoundForm | None = None) -> Message:
    """The message that `pack` wrote as these two; ProtocolError if it is none.

    Its arrays may be written to.
    """
    try:
        if int.from_bytes(body[:8], "little") > MAX_HEADER_BYTES:  # of safetensors' own header
            raise ValueError("names too many arrays")
        arrays = load(body)
        for name, array in arrays.items():
            if array.dtype == np.bool_ and array.size and array.view(np.uint8).max() > 1:
                raise ValueError(f"array {name!r} holds what is no bool")

        def filled(said: dict[str, Any]) -> Any:
            if any(value is None for value in said.values()):
                raise ValueError("a value is missing")
            # No mapping in a message has text for a value, so this is an array's place.
            (name,) = said.values() if len(said) == 1 else (None,)
            if not isinstance(name, str):
                return said
            if "array" in said:
                return arrays.pop(name)
            if "sound" in said and sound is not None:
                return sound.take(arrays.pop(name), arrays.pop(name + _FRESH))
            return said

        said = json.loads(header, object_hook=filled)
        if arrays:
            raise ValueError(f"arrays {sorted(arrays)} belong to nothing")
        return made(KINDS[said["kind"]], said["fields"], exact=True)
    except Exception as error:  # whatever is wrong with it, it is no message
        text = " ".join(str(error).split())
        raise ProtocolError(f"message cannot be read ({type(error).__name__}: {text})") from error


def _check_size(header: int, body: int) -> None:
    if header > MAX_HEADER_BYTES or header + body > MAX_MESSAGE_BYTES:
        raise ProtocolError(f"message of {header + body} bytes; valid: up to {MAX_MESSAGE_BYTES}")


def _check_number(stems: Sized) -> None:
    if not 1 <= len(stems) <= MAX_STEMS:
        raise ProtocolError(f"{len(stems)} stems; valid: 1 to {MAX_STEMS}")
