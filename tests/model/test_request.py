from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from model.request import DecodeSettings, StemRequest, StemResult, check_guidance

GUIDANCE = {"audio": 2.0, "instrument": 0, "clock": np.float32(1.5)}


ALL = "audio, instrument, clock, all of them, and harmony, sound"


def request(**changes: Any) -> StemRequest:
    fields: dict[str, Any] = {
        "context": np.zeros(10 * 640, np.float32),
        "context_known": np.ones(10, np.bool_),
        "phase": np.zeros((10, 4), np.float32),
        "prefix": np.zeros((4, 3), np.int16),
        "frames": 10,
        "instrument": 4,
        "guidance": GUIDANCE,
    }
    return StemRequest(**(fields | changes))


def test_a_request_that_fits_is_taken() -> None:
    assert request().prefix_frames == 3
    assert request(prefix=np.zeros((4, 0), np.int16)).prefix_frames == 0
    told = request(
        context_guessed=np.ones(10, np.bool_),
        harmony=np.zeros((10, 24), np.float32),
        sound=np.zeros(128, np.float32),
    )
    assert told.harmony.shape == (10, 24)
    assert request(instrument=18, form="product", seed=2**63 - 1).instrument == 18


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"frames": 0}, "frames is 0; valid: a whole number from 1 up"),
        ({"frames": 10.0}, "frames is 10.0; valid: a whole number from 1 up"),
        (
            {"context": np.zeros(6400)},
            "context is float64 [6400]; valid: float32 [6400]",
        ),
        (
            {"context": np.zeros(6399, np.float32)},
            "context is float32 [6399]; valid: float32 [6400]",
        ),
        (
            {"context": np.full(6400, np.inf, np.float32)},
            "context holds NaN or infinity; valid: finite numbers",
        ),
        (
            {"context_known": np.ones(10, np.int8)},
            "context_known is int8 [10]; valid: bool [10]",
        ),
        (
            {"phase": np.zeros((4, 10), np.float32)},
            "phase is float32 [4, 10]; valid: float32 [10, 4]",
        ),
        (
            {"prefix": np.zeros((3, 2), np.int16)},
            "prefix is int16 [3, 2]; valid: int16 [4, 2]",
        ),
        (
            {"prefix": np.full((4, 2), 2048, np.int16)},
            "prefix holds tokens 2048 to 2048; valid: 0 to 2047",
        ),
        (
            {"prefix": np.full((4, 2), -1, np.int16)},
            "prefix holds tokens -1 to -1; valid: 0 to 2047",
        ),
        (
            {"prefix": np.zeros((4, 10), np.int16)},
            "prefix is 10 frames in a window of 10; valid: 0 to 9",
        ),
        (
            {"context_guessed": np.zeros(9, np.bool_)},
            "context_guessed is bool [9]; valid: bool [10]",
        ),
        (
            {"harmony": np.zeros((10, 12), np.float32)},
            "harmony is float32 [10, 12]; valid: float32 [10, 24]",
        ),
        (
            {"sound": np.full(128, np.nan, np.float32)},
            "sound holds NaN or infinity; valid: finite numbers",
        ),
        ({"instrument": 19}, "instrument is 19; valid: 0 to 17, 18 for none"),
        ({"form": "sum"}, "form is 'sum'; valid: distilled, contrast, joint, product"),
        ({"seed": -1}, "seed is -1; valid: 0 to 2**63 - 1"),
        ({"seed": 2**63}, f"seed is {2**63}; valid: 0 to 2**63 - 1"),
    ],
)
def test_what_does_not_fit_is_named_with_what_would(changes: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError) as refusal:
        request(**changes)
    assert str(refusal.value) == line


@pytest.mark.parametrize(
    ("guidance", "line"),
    [
        ({"audio": 1.0}, f"guidance is for audio; valid: {ALL}"),
        ({}, f"guidance is for nothing; valid: {ALL}"),
        (GUIDANCE | {"audio": -1.0}, "guidance 'audio' is -1.0; valid: a finite number from 0 up"),
        (
            GUIDANCE | {"clock": float("nan")},
            "guidance 'clock' is nan; valid: a finite number from 0 up",
        ),
        (
            GUIDANCE | {"tempo": 1.0},
            f"guidance is for audio, clock, instrument, tempo; valid: {ALL}",
        ),
        (
            GUIDANCE | {"sound": -2.0},
            "guidance 'sound' is -2.0; valid: a finite number from 0 up",
        ),
        (GUIDANCE | {"clock": "2"}, "guidance 'clock' is '2'; valid: a finite number from 0 up"),
    ],
)
def test_guidance_is_a_number_for_each_source(guidance: dict[str, Any], line: str) -> None:
    with pytest.raises(ValueError) as refusal:
        check_guidance(guidance)
    assert str(refusal.value) == line


@pytest.mark.parametrize(
    "changes",
    [
        {"steps": (1, 1, 1)},
        {"steps": (1, 1, 1, 0)},
        {"steps": (1, 1, 1, 1.5)},
        {"causal_bias": -0.1},
        {"confidence": float("inf")},
        {"randomness": True},
        {"temperature": 0.0},
    ],
)
def test_decode_settings_outside_their_range_are_named(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match=next(iter(changes))):
        DecodeSettings(**changes)


def test_a_result_is_tokens_and_the_sound_of_each_frame() -> None:
    tokens, audio = np.zeros((4, 3), np.int16), np.zeros(3 * 640, np.float32)
    assert StemResult(tokens, audio, {"encode": 0.1}).frames == 3
    with pytest.raises(ValueError, match="audio is float32"):
        StemResult(tokens, audio[:-1])
    with pytest.raises(ValueError, match="audio holds NaN"):
        StemResult(tokens, audio + np.float32("nan"))
    with pytest.raises(ValueError, match="tokens holds tokens"):
        StemResult(tokens - np.int16(1), audio)
    with pytest.raises(ValueError, match="timing 'encode'"):
        StemResult(tokens, audio, {"encode": -1.0})
