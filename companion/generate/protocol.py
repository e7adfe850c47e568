"""What the worker and the process that holds the generator say to each other.

A message on the wire is a fixed head (magic, two lengths), a JSON header and the raw bytes of its
arrays. Nothing is pickled, every length is bounded before it is read, and whatever does not fit
exactly is a `ProtocolError`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from companion.errors import CompanionError
from model.grid import LEVELS
from model.request import DecodeSettings, StemRequest, StemResult, check_guidance

VERSION = 2
MAX_HEADER_BYTES = 1 << 20
MAX_MESSAGE_BYTES = 64 << 20
_MAGIC = b"STEM"
_HEAD = struct.Struct(">4sII")
_TYPES = {"float32": "<f4", "int16": "<i2", "bool": "|b1"}


class ProtocolError(CompanionError):
    """What came through the pipe is no message."""


@dataclass(frozen=True, slots=True)
class Hello:
    """First word of the generator's side: it lives, and loads."""

    version: int = VERSION


@dataclass(frozen=True, slots=True, eq=False)
class Ready:
    """Second word: it is loaded and warm.

    Attributes:
        max_frames: longest window it fills.
        device: what it computes on.
        plan_s: seconds that a typical plan took when warm.
        threads: processor threads it computes with; 0 where that has no meaning.
        silence: int16 [4, max_frames], tokens that sound like nothing.
    """

    max_frames: int
    device: str
    plan_s: float
    threads: int
    silence: NDArray[np.int16]


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Fill this window."""

    number: int
    request: StemRequest


@dataclass(frozen=True, slots=True)
class Guidance:
    """Lean differently from the next step of plan `number` on."""

    number: int
    values: Mapping[str, float]


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
    result: StemResult
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Plan `number` is lost; with number -1 the generator cannot serve at all."""

    number: int
    reason: str


Message = Hello | Ready | Plan | Guidance | Finish | Cancel | Result | Failed
NO_PLAN = -1
CANCELLED = "cancelled"
"""The reason of a plan that failed because it was told to."""


def write_message(stream: BinaryIO, message: Message) -> None:
    """Write one message and flush. OSError or ValueError when the other side is gone."""
    stream.write(pack(message))
    stream.flush()


def read_message(stream: BinaryIO) -> Message | None:
    """Wait for one message; None at the end of the stream.

    Raises:
        ProtocolError: what came is no message, or stops in the middle of one.
    """
    head = stream.read(_HEAD.size)
    if not head:
        return None
    if len(head) < _HEAD.size or head[:4] != _MAGIC:
        raise ProtocolError(f"message starts with {head[:16]!r}; valid: {_MAGIC!r}")
    _, header_bytes, body_bytes = _HEAD.unpack(head)
    if header_bytes > MAX_HEADER_BYTES or body_bytes > MAX_MESSAGE_BYTES - header_bytes:
        raise ProtocolError(
            f"message of {header_bytes + body_bytes} bytes; valid: up to {MAX_MESSAGE_BYTES}"
        )
    data = stream.read(header_bytes + body_bytes)
    if len(data) < header_bytes + body_bytes:
        raise ProtocolError(f"message of {header_bytes + body_bytes} bytes ends at {len(data)}")
    return unpack(data[:header_bytes], data[header_bytes:])


def pack(message: Message) -> bytes:
    """The bytes of a message.

    Raises:
        ProtocolError: it is larger than 64 MiB.
    """
    fields, arrays = _take_apart(message)
    header = json.dumps(
        {
            "kind": type(message).__name__.lower(),
            "fields": fields,
            "arrays": [[name, str(a.dtype), list(a.shape)] for name, a in arrays.items()],
        },
        allow_nan=False,
        default=lambda number: number.item(),  # numpy's numbers are as good as Python's
    ).encode()
    body = b"".join(
        np.ascontiguousarray(a, _TYPES[str(a.dtype)]).tobytes() for a in arrays.values()
    )
    if len(header) > MAX_HEADER_BYTES or len(header) + len(body) > MAX_MESSAGE_BYTES:
        raise ProtocolError(
            f"message of {len(header) + len(body)} bytes; valid: up to {MAX_MESSAGE_BYTES}"
        )
    return _HEAD.pack(_MAGIC, len(header), len(body)) + header + body


def unpack(header: bytes, body: bytes) -> Message:
    """The message that `pack` wrote as `header` and `body`.

    Raises:
        ProtocolError: it is none.
    """
    try:
        said = json.loads(header)
        arrays = _cut_arrays(said["arrays"], body)
        return _put_together(said["kind"], said["fields"], arrays)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        text = " ".join(str(error).split())
        raise ProtocolError(f"message cannot be read ({type(error).__name__}: {text})") from error


def _cut_arrays(specs: list[Any], body: bytes) -> dict[str, NDArray]:
    arrays: dict[str, NDArray] = {}
    at = 0
    for name, kind, shape in specs:
        if not all(isinstance(n, int) and n >= 0 for n in shape):
            raise ValueError(f"array {name!r} of shape {shape}")
        dtype = np.dtype(_TYPES[kind])
        count = 1
        for n in shape:
            count *= n
        if at + count * dtype.itemsize > len(body):
            raise ValueError(f"array {name!r} of shape {shape} is longer than the message")
        flat = np.frombuffer(body, np.uint8 if kind == "bool" else dtype, count, at)
        if kind == "bool" and flat.size and flat.max() > 1:
            raise ValueError(f"array {name!r} holds what is no bool")
        # A copy in this machine's byte order: its owner may write to it.
        arrays[name] = flat.astype(kind).reshape(shape)
        at += count * dtype.itemsize
    if at != len(body):
        raise ValueError(f"{len(body) - at} bytes belong to no array")
    return arrays


def _take_apart(message: Message) -> tuple[dict[str, Any], dict[str, NDArray]]:
    match message:
        case Ready():
            fields = {name: getattr(message, name) for name in _READY}
            return fields, {"silence": message.silence}
        case Plan(number=number, request=request):
            fields = {name: getattr(request, name) for name in ("frames", "instrument", "form")}
            fields |= {"seed": request.seed, "first_frame": request.first_frame}
            fields |= {"guidance": dict(request.guidance)}
            fields |= {"number": number, "decode": asdict(request.decode)}
            return fields, {name: getattr(request, name) for name in _REQUEST}
        case Result(number=number, result=result, seconds=seconds):
            fields = {"number": number, "seconds": seconds, "timings": dict(result.timings)}
            return fields, {"tokens": result.tokens, "audio": result.audio}
        case Guidance(number=number, values=values):
            return {"number": number, "values": dict(values)}, {}
        case _:
            return asdict(message), {}


_READY = ("max_frames", "device", "plan_s", "threads")
_REQUEST = ("context", "context_known", "phase", "prefix", "lead")


def _put_together(kind: str, fields: dict[str, Any], arrays: dict[str, NDArray]) -> Message:
    match kind:
        case "hello":
            return Hello(version=int(fields["version"]))
        case "ready":
            silence = arrays["silence"]
            if silence.shape != (LEVELS, fields["max_frames"]) or silence.dtype != np.int16:
                raise ValueError(f"silence of shape {silence.shape}")
            numbers = int(fields["max_frames"]), str(fields["device"]), float(fields["plan_s"])
            return Ready(*numbers, threads=int(fields["threads"]), silence=silence)
        case "plan":
            number = int(fields.pop("number"))
            decode = fields.pop("decode")
            settings = DecodeSettings(**(decode | {"steps": tuple(decode["steps"])}))
            parts: dict[str, Any] = {**fields, **arrays, "decode": settings}
            return Plan(number, StemRequest(**parts))
        case "guidance":
            check_guidance(fields["values"])
            return Guidance(int(fields["number"]), fields["values"])
        case "finish":
            return Finish(int(fields["number"]))
        case "cancel":
            return Cancel(int(fields["number"]))
        case "result":
            result = StemResult(**arrays, timings=fields["timings"])
            return Result(int(fields["number"]), result, float(fields["seconds"]))
        case "failed":
            return Failed(int(fields["number"]), str(fields["reason"]))
        case _:
            raise ValueError(f"kind {kind!r}")
