from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.generate.protocol import Finish, Message, Plan, Progress, ProtocolError, Result
from companion.remote import speech
from companion.remote.speech import SPEECH, Ear, Mouth, generator_id, refusal
from model.request import StemResult

RESULT = Result(
    3, (StemResult(np.ones((4, 2), np.int16), np.full(1280, 0.5, np.float32)), "NaN"), 1.5
)


def said(*messages: Message) -> bytes:
    mouth = Mouth()
    return b"".join(piece for message in messages for piece in mouth.pieces(message))


@given(st.lists(st.integers(1, 4000), max_size=30))
def test_messages_are_heard_however_they_were_cut(cuts: list[int]) -> None:
    data, ear, heard = said(Finish(1), RESULT, Progress(2, 0.5), RESULT), Ear(), list[Message]()
    for size in [*cuts, len(data)]:
        heard += ear.hear(data[:size])
        data = data[size:]
    assert [type(message) for message in heard] == [Finish, Result, Progress, Result]
    assert isinstance(heard[1], Result) and isinstance(heard[3], Result)
    for result in (heard[1], heard[3]):
        stem, why = result.stems
        assert isinstance(stem, StemResult) and why == "NaN"
        np.testing.assert_allclose(stem.audio, 0.5, atol=1e-5)


def test_a_plan_keeps_its_numbers_exactly_and_its_sound_to_96_db(make_request) -> None:
    request = make_request(lead=np.full(60 * 640, 0.25, np.float32))
    ear = Ear()
    (heard,) = [each for piece in Mouth().pieces(Plan(9, (request,))) for each in ear.hear(piece)]
    assert isinstance(heard, Plan)
    (got,) = heard.requests
    for name in ("context_known", "phase", "prefix"):
        np.testing.assert_array_equal(getattr(got, name), getattr(request, name))
    for name in ("frames", "instrument", "guidance", "form", "decode", "seed", "first_frame"):
        assert getattr(got, name) == getattr(request, name)
    for name in ("context", "lead"):
        np.testing.assert_allclose(getattr(got, name), getattr(request, name), atol=1e-5)


def test_no_piece_is_long(make_request) -> None:
    pieces = list(Mouth().pieces(Plan(1, (make_request(),) * 2)))
    assert len(pieces) > 2 and max(map(len, pieces)) <= speech.PIECE_BYTES


def test_the_second_plan_over_the_same_music_is_short(make_request) -> None:
    mouth, request = Mouth(), make_request()
    first, second = (sum(map(len, mouth.pieces(Plan(n, (request,))))) for n in (1, 2))
    assert first > 120 * 1280 and second < 0.1 * first


@given(st.binary(min_size=speech.HEAD_BYTES, max_size=200))
def test_garbage_is_refused(garbage: bytes) -> None:
    with pytest.raises(ProtocolError):
        Ear().hear(garbage)


@given(st.data())
def test_damaged_messages_are_refused_or_are_messages(data: st.DataObject) -> None:
    damaged = bytearray(said(RESULT))
    damaged[data.draw(st.integers(0, len(damaged) - 1))] = data.draw(st.integers(0, 255))
    try:
        heard = Ear().hear(bytes(damaged))
    except ProtocolError:
        return
    assert all(isinstance(message, Message) for message in heard)


def test_a_length_is_refused_before_it_is_waited_for() -> None:
    head = b"STEM" + (100).to_bytes(4, "little") + speech.MOST_BYTES.to_bytes(4, "little")
    with pytest.raises(ProtocolError, match="valid: up to"):
        Ear().hear(head)


def test_who_fits_is_not_refused_and_who_does_not_is_told_what_would_fit() -> None:
    own = generator_id("model", "abc")
    assert refusal(SPEECH, own, own, "the box") == ""
    old = refusal("1.0", own, own, "the box")
    assert old == f"this rig speaks version '1.0', the box {SPEECH!r}; valid: the same release"
    other = refusal(SPEECH, generator_id("standin", ""), own, "the box")
    assert "'standin'" in other and "'model abc'" in other and "valid: the same weights" in other
