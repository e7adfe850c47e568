from __future__ import annotations

import io
import json
import struct
from types import MappingProxyType

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors.numpy import save

from companion.generate import protocol
from companion.generate.protocol import (
    VERSION,
    Cancel,
    Failed,
    Finish,
    Hello,
    Message,
    Plan,
    Progress,
    ProtocolError,
    Ready,
    Result,
    pack,
    read_message,
    write_message,
)
from model.request import StemResult

SMALL = [
    Hello(),
    Ready(2, "cpu", 1.25, 2, np.arange(8, dtype=np.int16).reshape(4, 2), {"encode": 0.5}),
    Progress(3, 0.25),
    Finish(4),
    Cancel(5),
    Result(
        6,
        (
            StemResult(
                np.ones((4, 1), np.int16), np.full(640, 0.25, np.float32), {"encode": 0.5}, 7, 14
            ),
            "audio holds NaN",
            StemResult(np.ones((4, 2), np.int16), np.full(1280, 0.5, np.float32)),
        ),
        1.5,
    ),
    Failed(-1, "weights file x is missing"),
]


def through(message: Message) -> Message:
    stream = io.BytesIO()
    write_message(stream, message)
    stream.seek(0)
    heard = read_message(stream)
    assert heard is not None and read_message(stream) is None
    return heard


@pytest.mark.parametrize("message", SMALL, ids=lambda m: type(m).__name__)
def test_a_message_comes_out_as_it_went_in(message: Message) -> None:
    heard = through(message)
    assert type(heard) is type(message) and pack(heard) == pack(message)


def test_a_plan_comes_out_with_every_array_and_number(make_request) -> None:
    request = make_request(
        form="product",
        seed=np.int64(2**63 - 1),
        guidance={"audio": np.float32(2.0), "instrument": 0, "clock": 1.0},
        prefix=np.full((4, 3), 2047, np.int16),
    )
    asked = (request, make_request(frames=50, seed=1))
    heard = through(Plan(9, asked))
    assert isinstance(heard, Plan) and heard.number == 9
    for got, said in zip(heard.requests, asked, strict=True):
        for name in ("context", "context_known", "phase", "prefix"):
            np.testing.assert_array_equal(getattr(got, name), getattr(said, name))
            assert getattr(got, name).dtype == getattr(said, name).dtype
        for name in ("frames", "instrument", "guidance", "form", "decode", "seed"):
            assert getattr(got, name) == getattr(said, name)


def test_a_plan_has_at_least_one_stem_and_not_too_many(make_request) -> None:
    for requests in ((), (make_request(frames=2),) * (protocol.MAX_STEMS + 1)):
        with pytest.raises(ProtocolError, match=f"valid: 1 to {protocol.MAX_STEMS}"):
            through(Plan(1, requests))


@given(st.data())
def test_damaged_messages_are_refused_or_are_messages(data: st.DataObject) -> None:
    whole = pack(data.draw(st.sampled_from(SMALL)))
    cut = data.draw(st.integers(0, len(whole)))
    at = data.draw(st.integers(0, len(whole) - 1))
    damaged = bytearray(whole)
    damaged[at] = data.draw(st.integers(0, 255))
    for stream in (io.BytesIO(whole[:cut]), io.BytesIO(bytes(damaged))):
        try:
            heard = read_message(stream)
        except ProtocolError:
            continue
        assert heard is None or isinstance(heard, Message)


@given(st.binary(min_size=1, max_size=100))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        read_message(io.BytesIO(garbage))


def test_a_length_is_checked_before_anything_is_read() -> None:
    class Endless(io.RawIOBase):
        asked = 0

        def read(self, n: int = -1) -> bytes:
            self.asked += n
            return struct.pack(">4sII", b"STEM", 100, 2**32 - 1)[:n]

    stream = Endless()
    with pytest.raises(ProtocolError, match=f"up to {protocol.MAX_MESSAGE_BYTES}"):
        read_message(stream)
    assert stream.asked == 12


HELLO = {"kind": "Hello", "fields": {"version": VERSION}}


@pytest.mark.parametrize(
    "header",
    [
        {"kind": "Plan", "fields": {}},
        {"kind": "Shell", "fields": {}},
        {"kind": "Finish", "fields": {"number": None}},
        {"kind": "Finish", "fields": {"number": 1, "reason": "none"}},
        {"kind": "Hello", "fields": {"version": float("inf")}},
        {"kind": "Hello", "fields": {"version": {"array": "x"}}},
        {"kind": "Result", "fields": {"number": 1, "stems": [], "seconds": 1.0}},
        [],
    ],
)
def test_what_is_no_message_is_refused_by_name(header: object) -> None:
    with pytest.raises(ProtocolError, match="message cannot be read"):
        protocol.unpack(json.dumps(header).encode(), save({}))


def as_body(**arrays: dict[str, object]) -> bytes:
    """The bytes that would say this of arrays, with two bytes of them."""
    said = json.dumps(arrays).encode()
    return struct.pack("<Q", len(said)) + said + b"\x07\x07"


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "too small"),
        (save({})[:-1], "SafetensorError"),
        (save({}) + b"\x07", "not fully covered"),
        (as_body(x={"dtype": "object", "shape": [1], "data_offsets": [0, 2]}), "SafetensorError"),
        (as_body(x={"dtype": "BF16", "shape": [1], "data_offsets": [0, 2]}), "BF16"),
        (as_body(x={"dtype": "I16", "shape": [-1], "data_offsets": [0, 2]}), "SafetensorError"),
        (as_body(x={"dtype": "I16", "shape": [2], "data_offsets": [0, 2]}), "SafetensorError"),
        (
            as_body(x={"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2]}),
            "SafetensorError",
        ),
        (as_body(x={"dtype": "BOOL", "shape": [2], "data_offsets": [0, 2]}), "no bool"),
        (as_body(x={"dtype": "I16", "shape": [1], "data_offsets": [0, 2]}), "belong to nothing"),
        (struct.pack("<Q", protocol.MAX_HEADER_BYTES + 1), "too many arrays"),
    ],
)
def test_arrays_that_are_none_or_belong_to_nothing_are_refused(body: bytes, why: str) -> None:
    with pytest.raises(ProtocolError, match=why):
        protocol.unpack(json.dumps(HELLO).encode(), body)


@pytest.mark.parametrize("place", ["x", "0", ""])
def test_an_array_stands_where_one_is_due_and_in_one_place_only(place: str) -> None:
    fields = {"number": 1, "seconds": 1.0, "stems": [{"tokens": {"array": place}}]}
    for said in (fields, fields | {"stems": {"array": "0"}}, {"array": "0"}):
        header = json.dumps({"kind": "Result", "fields": said}).encode()
        with pytest.raises(ProtocolError, match="message cannot be read"):
            protocol.unpack(header, save({"0": np.ones((4, 1), np.int16)}))
    both = {"tokens": {"array": "0"}, "audio": {"array": "0"}}
    header = json.dumps({"kind": "Result", "fields": fields | {"stems": [both]}}).encode()
    with pytest.raises(ProtocolError, match="message cannot be read"):
        protocol.unpack(header, save({"0": np.ones((4, 1), np.int16)}))


def test_arrays_in_any_layout_come_out_whole_and_may_be_written_to(make_request) -> None:
    prefix = np.arange(400, dtype=np.int16).reshape(100, 4).T
    context = np.arange(256_000, dtype=np.float32)[::2]
    context.flags.writeable = False
    heard = through(Plan(1, (make_request(prefix=prefix, context=context),)))
    assert isinstance(heard, Plan)
    (got,) = heard.requests
    np.testing.assert_array_equal(got.prefix, prefix)
    np.testing.assert_array_equal(got.context, context)
    got.context[:], got.prefix[:] = 0, 0


def test_a_mapping_may_call_a_stage_as_an_array_is_called() -> None:
    timings = {"array": 0.5}
    heard = through(Ready(1, "cpu", 1.0, 0, np.zeros((4, 1), np.int16), MappingProxyType(timings)))
    assert isinstance(heard, Ready) and heard.timings == timings


def test_a_message_that_is_too_long_is_not_sent() -> None:
    with pytest.raises(ProtocolError, match="valid: up to"):
        pack(Failed(1, "x" * (protocol.MAX_HEADER_BYTES + 1)))
