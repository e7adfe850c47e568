"""What the worker and the process that holds the generator say to each other.

A message on the wire is a fixed head (magic, two lengths), a JSON header and the raw bytes of its
arrays. Nothing is pickled, every length is bounded before it is read, and whatever does not fit
exactly is a `ProtocolError`.
"""

from __future__ import annotations

import json
import struct
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, BinaryIO, TypeVar

import numpy as np
from numpy.typing import NDArray

from companion.system.errors import CompanionError
from model.grid import LEVELS
from model.request import DecodeSettings, StemRequest, StemResult

VERSION = 3
MAX_STEMS = 32
"""Stems in a plan."""
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
        timings: seconds of that plan's stages, as in `StemResult.timings`.
    """

    max_frames: int
    device: str
    plan_s: float
    threads: int
    silence: NDArray[np.int16]
    timings: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Plan:
    """Fill these windows together."""

    number: int
    requests: tuple[StemRequest, ...]


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
    """Plan `number` is done and took `seconds`.

    Attributes:
        stems: what was asked for, in that order; in place of a stem that failed, why.
    """

    number: int
    stems: tuple[StemResult | str, ...]
    seconds: float


@dataclass(frozen=True, slots=True)
class Failed:
    """Plan `number` is lost; with number -1 the generator cannot serve at all."""

    number: int
    reason: str


Message = Hello | Ready | Plan | Progress | Finish | Cancel | Result | Failed
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
        case Plan(number=number, requests=requests):
            parts = [_request_fields(request) for request in requests]
            arrays = [{name: getattr(each, name) for name in _REQUEST} for each in requests]
            return {"number": number, "requests": parts}, _numbered(arrays)
        case Result(number=number, stems=stems, seconds=seconds):
            told = [stem if isinstance(stem, str) else _result_fields(stem) for stem in stems]
            arrays = [
                {} if isinstance(stem, str) else {"tokens": stem.tokens, "audio": stem.audio}
                for stem in stems
            ]
            return {"number": number, "seconds": seconds, "stems": told}, _numbered(arrays)
        case _:
            return asdict(message), {}


def _request_fields(request: StemRequest) -> dict[str, Any]:
    fields = {name: getattr(request, name) for name in ("frames", "instrument", "form")}
    fields |= {"seed": request.seed, "first_frame": request.first_frame}
    return fields | {"guidance": dict(request.guidance), "decode": asdict(request.decode)}


def _result_fields(result: StemResult) -> dict[str, Any]:
    counts = {"steps": result.steps, "passes": result.passes}
    return {"timings": dict(result.timings), **counts}


def _numbered(groups: list[dict[str, NDArray]]) -> dict[str, NDArray]:
    """The arrays of several things as those of one: "context" of the second is "1.context"."""
    return {
        f"{index}.{name}": array
        for index, group in enumerate(groups)
        for name, array in group.items()
    }


def _of(index: int, arrays: Mapping[str, NDArray]) -> dict[str, NDArray]:
    """The arrays of one of them."""
    head = f"{index}."
    return {name[len(head) :]: a for name, a in arrays.items() if name.startswith(head)}


_READY = ("max_frames", "device", "plan_s", "threads", "timings")
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
            timings = {str(stage): float(s) for stage, s in fields["timings"].items()}
            return Ready(*numbers, int(fields["threads"]), silence, timings)
        case "plan":
            return Plan(int(fields["number"]), _each(fields["requests"], arrays, _request))
        case "progress":
            return Progress(int(fields["number"]), float(fields["share"]))
        case "finish":
            return Finish(int(fields["number"]))
        case "cancel":
            return Cancel(int(fields["number"]))
        case "result":
            stems = _each(fields["stems"], arrays, _stem)
            return Result(int(fields["number"]), stems, float(fields["seconds"]))
        case "failed":
            return Failed(int(fields["number"]), str(fields["reason"]))
        case _:
            raise ValueError(f"kind {kind!r}")


_Kind = TypeVar("_Kind")


def _each(
    said: list[Any], arrays: dict[str, NDArray], make: Callable[[Any, dict[str, NDArray]], _Kind]
) -> tuple[_Kind, ...]:
    if not 1 <= len(said) <= MAX_STEMS:
        raise ValueError(f"{len(said)} stems; valid: 1 to {MAX_STEMS}")
    made = tuple(make(fields, _of(index, arrays)) for index, fields in enumerate(said))
    if len(arrays) != sum(len(_of(index, arrays)) for index in range(len(said))):
        raise ValueError(f"arrays {sorted(arrays)} for {len(said)} stems")
    return made


def _request(fields: dict[str, Any], arrays: dict[str, NDArray]) -> StemRequest:
    decode = fields["decode"]
    settings = DecodeSettings(**(decode | {"steps": tuple(decode["steps"])}))
    parts: dict[str, Any] = {**fields, **arrays, "decode": settings}
    return StemRequest(**parts)


def _stem(fields: Any, arrays: dict[str, Any]) -> StemResult | str:
    return fields if isinstance(fields, str) else StemResult(**(arrays | fields))
