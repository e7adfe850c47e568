"""Own stems that leak into the input are taken away again, and the performer is left alone."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio.echo import FIRST_S, EchoGuard
from companion.system.errors import CompanionError
from tests.companion.audio.leak import RATE, room

REAL = Path(__file__).parents[2] / "data" / "real"
SECONDS = 24
LEAST_ERLE_DB = 8.0
MOST_HARM_DB = -25.0  # of what is taken away where there is no echo, to the mix


def recording(name: str, seconds: int = SECONDS) -> np.ndarray:
    samples, rate = soundfile.read(REAL / name, dtype="float32", always_2d=True)
    mono = soxr.resample(samples.mean(axis=1), rate, RATE)
    return 0.1 * np.resize(mono, seconds * RATE) / np.sqrt(np.mean(mono**2))


def leak(stem: np.ndarray, mix: np.ndarray, level_db: float, seed: int = 0) -> np.ndarray:
    """The stem through a room, so many dB below the mix."""
    echo = np.convolve(stem, room(seed))[: len(stem)]
    scale = np.sqrt(np.mean(mix**2) / np.mean(echo**2)) * 10 ** (level_db / 20)
    return (scale * echo).astype(np.float32)


class Stage:
    """An input and the memory of one voice, known up to a position."""

    voices, rate = 1, RATE

    def __init__(self, heard: np.ndarray, stem: np.ndarray) -> None:
        self.heard, self.stem = heard.astype(np.float32), stem.astype(np.float32)
        self.position = len(heard)

    @property
    def memory(self) -> Stage:
        return self

    def capture(self, start: int, n: int) -> np.ndarray:
        if start < 0 or start + n > self.position:
            raise CompanionError("not kept")
        return self.heard[start : start + n].copy()

    def played(self, voice: int, start: int, n: int) -> np.ndarray:
        if start < 0 or start + n > len(self.stem):
            raise CompanionError("not kept")
        return self.stem[start : start + n].copy()


def power_db(signal: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(signal, dtype=np.float64)) + 1e-20))


def clean(stage: Stage) -> np.ndarray:
    guard = EchoGuard(stage)
    pieces = []
    for start in range(0, len(stage.heard) - RATE + 1, RATE):
        stage.position = start + RATE
        pieces.append(guard.capture(start, RATE))
    return np.concatenate(pieces)


@pytest.mark.parametrize("level_db", [-6.0, 0.0])
def test_a_stem_that_leaks_while_the_band_plays_is_taken_away(level_db: float) -> None:
    mix, stem = recording("rock-095.ogg"), recording("metal-135.guitar.ogg")
    echo = leak(stem, mix, level_db)
    left = clean(Stage(mix + echo, stem)) - mix
    after = slice(round(FIRST_S * RATE), None)
    erle_db = power_db(echo[after]) - power_db(left[after])
    print(f"\nleak {level_db:g} dB: echo return loss enhancement {erle_db:.1f} dB")
    assert erle_db >= LEAST_ERLE_DB


def test_alone_it_leaves_next_to_nothing() -> None:
    stem = recording("metal-135.guitar.ogg")
    echo = leak(stem, stem, -6.0)
    left = clean(Stage(echo, stem))
    after = slice(round(FIRST_S * RATE), None)
    assert power_db(left[after]) < power_db(echo[after]) - 15


@pytest.mark.parametrize(
    ("mix", "stem"),
    [
        ("rock-095.ogg", "metal-135.guitar.ogg"),
        ("metal-135.ogg", "metal-135.guitar.ogg"),  # the same song: alike, and no echo
        ("rock-095.ogg", "rock-095.guitar.ogg"),
    ],
)
def test_without_an_echo_the_mix_is_left_alone(mix: str, stem: str) -> None:
    heard = recording(mix)
    taken = clean(Stage(heard, recording(stem))) - heard
    harm_db = power_db(taken) - power_db(heard)
    print(f"\n{mix} beside {stem}: taken away {harm_db:.1f} dB of the mix")
    assert harm_db <= MOST_HARM_DB


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 1.0), st.integers(1, 400))
@settings(max_examples=10)
def test_with_any_sounds_that_are_none_of_each_other_little_is_taken(
    seed: int, gain: float, smooth: int
) -> None:
    rng = np.random.default_rng(seed)
    kernel = np.ones(smooth) / np.sqrt(smooth)
    heard, stem = (
        0.1 * np.convolve(rng.standard_normal(12 * RATE + smooth - 1), kernel, "valid")
        for _ in range(2)
    )
    taken = clean(Stage(heard, gain * stem)) - heard.astype(np.float32)
    assert power_db(taken) <= power_db(heard) - 15


def test_stems_that_set_in_late_or_are_a_few_clicks_do_no_harm() -> None:
    mix = recording("rock-095.ogg")
    stem = np.zeros(len(mix))
    stem[3 * RATE] = 0.5
    stem[10 * RATE :] = 0.1 * np.sin(np.arange(len(mix) - 10 * RATE) / 7)
    taken = clean(Stage(mix, stem)) - mix
    assert power_db(taken) <= power_db(mix) + MOST_HARM_DB


@given(st.lists(st.integers(1, 3 * RATE), min_size=4, max_size=30))
@settings(max_examples=10)
def test_what_was_heard_once_is_heard_again(steps: list[int]) -> None:
    mix, stem = recording("rock-095.ogg"), recording("metal-135.guitar.ogg")
    stage = Stage(mix + leak(stem, mix, -6.0), stem)
    guard = EchoGuard(stage)
    stage.position, pieces = 0, []
    for step in steps:
        start, stage.position = stage.position, min(stage.position + step, len(mix))
        guard.tick()
        pieces.append(guard.capture(start, stage.position - start))
    once = np.concatenate(pieces)
    np.testing.assert_array_equal(once, guard.capture(0, len(once)))
    np.testing.assert_array_equal(once, stage.heard[: len(once)] - guard.echo(0, len(once)))


def test_who_has_not_listened_for_long_goes_on_from_the_present() -> None:
    mix = recording("rock-095.ogg", 100)
    stage = Stage(mix, mix)
    guard = EchoGuard(stage)
    stage.position = 10 * RATE
    taken = guard.capture(0, 10 * RATE) - mix[: 10 * RATE]
    assert np.abs(taken).max() > 0.0
    stage.position = 45 * RATE
    np.testing.assert_array_equal(guard.capture(12 * RATE, RATE), mix[12 * RATE : 13 * RATE])
    with pytest.raises(CompanionError):
        guard.echo(4 * RATE, RATE)


def test_switched_off_it_hands_on_what_is_heard() -> None:
    stem = recording("rock-095.guitar.ogg", 8)
    stage = Stage(stem, stem)
    guard = EchoGuard(stage, lambda: False)
    np.testing.assert_array_equal(guard.capture(100, 5000), stage.heard[100:5100])


def test_what_is_not_kept_is_an_error_as_without_it() -> None:
    stem = recording("rock-095.guitar.ogg", 8)
    with pytest.raises(CompanionError):
        EchoGuard(Stage(stem, stem)).capture(8 * RATE - 10, 20)
