"""What the transport promises: exact until steered, unbroken then, and a past that stays."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import Grid, nearest
from companion.clock.transport import Transport
from companion.system.errors import CompanionError

RATES = st.sampled_from([8000, 44100, 48000, 96000])
TEMPI = st.fractions(40, 240, max_denominator=1000)
steers = st.lists(st.tuples(st.integers(1, 200_000), st.floats(40, 240)), max_size=12)
bars = st.integers(-8, 400)


def steered(
    rate: int, bpm: Fraction, origin: int, beats: int, turns: list[tuple[int, float]]
) -> tuple[Transport, int]:
    """A transport and the sample it was steered at last."""
    transport, at = Transport(rate, bpm, origin, beats), 0
    for later, tempo in turns:
        at += later
        transport.steer(at, tempo)
    return transport, at


transports = st.builds(steered, RATES, TEMPI, st.integers(0, 10**6), st.integers(1, 7), steers)


@given(RATES, TEMPI, st.integers(0, 10**9), st.integers(1, 13), st.integers(-8, 10**5))
def test_until_it_is_steered_it_is_the_grid(
    rate: int, bpm: Fraction, origin: int, beats: int, bar: int
) -> None:
    transport, grid = Transport(rate, bpm, origin, beats), Grid(rate, bpm, origin, beats)
    assert transport.grid() == grid
    assert transport.beat_lines(bar) == grid.beat_lines(bar)
    assert transport.bar_start_samples(bar) == grid.bar_start_samples(bar)
    assert transport.bar_samples == grid.bar_samples


@given(transports, st.one_of(bars, st.fractions(-100, 2000, max_denominator=48)))
def test_a_line_is_the_exact_one_rounded_once(
    made: tuple[Transport, int], beat: Fraction | int
) -> None:
    transport, _ = made
    begun = [each for each in transport.segments if each.beat <= beat]
    segment = begun[-1] if begun else transport.segments[0]
    exact = segment.sample + (beat - segment.beat) * segment.beat_samples
    assert transport.beat_start_samples(beat) == nearest(exact)


@given(transports, bars, st.integers(0, 10**7))
def test_every_sample_lies_in_the_bar_between_its_lines(
    made: tuple[Transport, int], bar: int, sample: int
) -> None:
    transport, _ = made
    for at in (sample, transport.bar_start_samples(bar), transport.bar_start_samples(bar) - 1):
        found = transport.bar_at(at)
        assert transport.bar_start_samples(found) <= at < transport.bar_start_samples(found + 1)


@given(transports, st.integers(1, 10**6), st.floats(40, 240))
def test_steering_leaves_the_past_alone(
    made: tuple[Transport, int], later: int, bpm: float
) -> None:
    transport, at = made
    now = at + later
    beat = math.floor(transport.beat_at(now))
    past = [transport.beat_start_samples(b) for b in range(beat - 40, beat + 1)]
    transport.steer(now, bpm)
    assert [transport.beat_start_samples(b) for b in range(beat - 40, beat + 1)] == past


@given(transports, st.integers(1, 10**6), st.floats(40, 240))
def test_steering_never_jumps_and_then_runs_at_the_new_tempo(
    made: tuple[Transport, int], later: int, bpm: float
) -> None:
    transport, at = made
    now = at + later
    before = transport.beat_at(now)
    transport.steer(now, bpm)
    assert transport.beat_at(now) == pytest.approx(before, abs=1e-9)
    minute = 60 * transport.rate
    assert transport.beat_at(now + minute) - before == pytest.approx(bpm, abs=1e-3)


@given(transports, bars)
def test_beats_come_one_after_another(made: tuple[Transport, int], bar: int) -> None:
    transport, _ = made
    lines = transport.beat_lines(bar)
    assert all(one < other for one, other in pairwise(lines))
    assert lines[-1] == transport.bar_start_samples(bar + 1)
    for beat, line in enumerate(lines, bar * transport.beats_per_bar):
        assert transport.beat_at(line) == pytest.approx(beat, abs=1e-3)


def test_an_evening_of_steering_stays_exact_and_small() -> None:
    transport = Transport(48000, 120, 0)
    for beat in range(5000):
        transport.steer(24000 * (beat + 1), 120)
    assert transport.beat_start_samples(5001) == 5001 * 24000
    assert transport.segments[-1].beat.denominator <= 1 << 40


def test_the_tempo_map_tells_every_tempo() -> None:
    transport = Transport(48000, 120, 1000)
    transport.steer(49000, 126)
    first, second = transport.segments
    assert (first.bpm(48000), first.beat) == (120, Fraction(-1, 24))
    assert (second.sample, second.beat) == (49000, 2)
    assert second.bpm(48000) == pytest.approx(126)
    assert transport.grid() == Grid(48000, Fraction(126), 1000)


def test_a_tempo_outside_40_to_240_is_named_and_changes_nothing() -> None:
    transport = Transport(48000, 120, 0)
    with pytest.raises(CompanionError, match="tempo 300 BPM"):
        transport.steer(48000, 300)
    assert transport.bpm == 120
    with pytest.raises(CompanionError, match="beats_per_bar 0"):
        Transport(48000, 120, 0, beats_per_bar=0)
