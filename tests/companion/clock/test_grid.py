"""What the grid promises: exact bars, rounded once, and a phase that does not drift."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.system.errors import CompanionError

transports = st.builds(
    Grid,
    rate=st.sampled_from([8000, 32000, 44100, 48000, 88200, 96000, 192000]),
    bpm=st.fractions(40, 240, max_denominator=1000) | st.floats(40, 240).map(Fraction),
    origin_samples=st.integers(0, 10**9),
    beats_per_bar=st.integers(1, 13),
)
bars = st.integers(-8, 10**5)


@given(transports, bars)
def test_a_bar_starts_within_half_a_sample_of_where_it_should(t: Grid, bar: int) -> None:
    exact = t.origin_samples + bar * Fraction(60 * t.rate * t.beats_per_bar) / t.bpm
    assert abs(t.bar_start_samples(bar) - exact) <= Fraction(1, 2)


@given(transports, bars)
def test_a_bar_is_its_beats(t: Grid, bar: int) -> None:
    assert t.bar_start_samples(bar) == t.beat_start_samples(bar * t.beats_per_bar)
    assert t.bar_samples == t.beat_samples * t.beats_per_bar


@given(transports, bars, st.integers(0, 10**9))
def test_every_sample_lies_in_the_bar_between_its_lines(t: Grid, bar: int, sample: int) -> None:
    for at in (sample, t.bar_start_samples(bar), t.bar_start_samples(bar) - 1):
        found = t.bar_at(at)
        assert t.bar_start_samples(found) <= at < t.bar_start_samples(found + 1)
    assert t.bar_at(t.bar_start_samples(bar)) == bar


@given(transports, bars)
def test_frames_and_samples_are_one_grid(t: Grid, bar: int) -> None:
    frame = t.bar_start_frames(bar)
    sample = t.origin_samples + frame * (t.rate // 50)
    assert t.bar_frames == t.bar_samples / (t.rate // 50)
    assert abs(t.bar_start_samples(bar) - sample) <= Fraction(1, 2)


@given(transports, st.integers(-1000, 10**7), st.integers(0, 40))
def test_phase_is_the_position_in_beats_and_bars(t: Grid, first: int, frames: int) -> None:
    phase = t.phase(first, frames)
    assert phase.dtype == np.float32
    assert phase.shape == (frames, 4)
    for row, frame in enumerate(range(first, first + frames)):
        bar = Fraction(frame) / t.bar_frames
        for column, position in ((0, bar * t.beats_per_bar), (2, bar)):
            angle = 2 * math.pi * float(position - math.floor(position))
            assert phase[row, column] == pytest.approx(math.sin(angle), abs=1e-5)
            assert phase[row, column + 1] == pytest.approx(math.cos(angle), abs=1e-5)


def test_phase_at_bar_lines_is_the_same_after_an_hour() -> None:
    t = Grid(48000, Fraction(120), 12345)
    assert t.bar_frames == 100
    np.testing.assert_array_equal(t.phase(0, 100), t.phase(100 * 1800, 100))
    np.testing.assert_array_equal(t.phase(0, 1), [[0, 1, 0, 1]])


def test_120_beats_a_minute() -> None:
    t = Grid(48000, Fraction(120), 1000)
    assert [t.bar_start_samples(bar) for bar in (-1, 0, 1, 2)] == [-95000, 1000, 97000, 193000]
    assert [t.beat_start_samples(beat) for beat in (0, 1, 4)] == [1000, 25000, 97000]
    assert [t.bar_at(s) for s in (-95001, 999, 1000, 96999, 97000)] == [-2, -1, 0, 0, 1]


def test_a_whole_or_floating_tempo_is_taken_exactly() -> None:
    for bpm in (120, 120.0, "120"):
        t = Grid(48000, bpm, 0)  # type: ignore[arg-type]
        assert t == Grid(48000, Fraction(120), 0)
        assert isinstance(t.bar_samples, Fraction)


@pytest.mark.parametrize("bpm", [0, -120, 39.9, 240.1, 1e9, math.nan, math.inf, "fast", None])
def test_a_tempo_outside_40_to_240_is_named(bpm: object) -> None:
    with pytest.raises(CompanionError, match=r"^tempo .+ BPM is outside 40\.\.240 BPM$") as error:
        Grid(48000, bpm, 0)  # type: ignore[arg-type]
    assert str(bpm).rstrip("0").rstrip(".")[:4] in str(error.value)


def test_a_tempo_in_the_message_reads_like_one() -> None:
    with pytest.raises(CompanionError, match=r"^tempo 300 BPM"):
        Grid(48000, Fraction(300), 0)


@pytest.mark.parametrize("rate", [0, -50, 11025])
def test_a_rate_that_is_no_multiple_of_50_is_named(rate: int) -> None:
    with pytest.raises(CompanionError, match=rf"{rate} Hz .*multiple of 50"):
        Grid(rate, Fraction(120), 0)


def test_a_bar_has_beats() -> None:
    with pytest.raises(CompanionError, match="beats_per_bar 0"):
        Grid(48000, Fraction(120), 0, beats_per_bar=0)
