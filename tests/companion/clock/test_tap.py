"""Taps: the first is a downbeat, jitter is averaged, a tap far off begins anew."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.internal import InternalSource
from companion.clock.reading import Reading
from companion.clock.tap import TapSource
from companion.clock.transport import Transport
from tests.companion.clock.master import RATE, exact_host_time

HOST_TIME = exact_host_time()


def read(source: TapSource, time_s: float) -> Reading:
    reading = source.read(round(time_s * RATE), HOST_TIME)
    assert reading is not None
    return reading


@given(st.floats(45, 220), st.integers(2, 30), st.integers(0, 10**6), st.floats(0, 1e5))
def test_even_taps_are_their_own_tempo_and_the_first_is_a_downbeat(
    bpm: float, taps: int, seed: int, start_s: float
) -> None:
    source = TapSource()
    dice = np.random.default_rng(seed)
    for tap in range(taps):
        source.tap(start_s + tap * 60 / bpm + dice.uniform(-0.01, 0.01))
    reading = read(source, start_s + (taps - 1) * 60 / bpm)
    assert abs(reading.beat - (taps - 1)) * 60 / bpm < 0.02
    assert reading.bpm == pytest.approx(bpm, rel=0.08)
    assert reading.lock == "bar" and reading.running


def test_a_tap_far_off_begins_anew_and_the_last_series_stays_until_it_has_a_tempo() -> None:
    source = TapSource()
    for time_s in (10.0, 10.5, 11.0, 11.5):
        source.tap(time_s)
    source.tap(15.0)
    assert read(source, 15.0).beat == pytest.approx(10.0)
    source.tap(15.4)
    reading = read(source, 15.4)
    assert (reading.beat, reading.bpm) == (pytest.approx(1.0), pytest.approx(150.0))
    source.tap(15.65)  # 0.6 of a beat after the last
    assert read(source, 15.65).bpm == pytest.approx(150.0)
    source.tap(16.25)
    assert read(source, 16.25).bpm == pytest.approx(100.0)


@given(st.floats(45, 220), st.lists(st.floats(0.001, 0.09), min_size=8, max_size=8))
def test_a_tap_that_bounces_is_one_tap(bpm: float, bounces_s: list[float]) -> None:
    source = TapSource()
    for tap, bounce_s in enumerate(bounces_s):
        source.tap(100 + tap * 60 / bpm)
        source.tap(100 + tap * 60 / bpm + bounce_s)
    reading = read(source, 100 + 7 * 60 / bpm)
    assert reading.beat == pytest.approx(7.0, abs=1e-3)
    assert reading.bpm == pytest.approx(bpm, rel=1e-3)


def test_more_taps_are_surer() -> None:
    source = TapSource()
    assert source.read(0, HOST_TIME) is None
    source.tap(1.0)
    assert source.read(RATE, HOST_TIME) is None
    sure = []
    for tap in range(1, 6):
        source.tap(1.0 + 0.5 * tap)
        sure.append(read(source, 4.0).confidence)
    assert sure == sorted(sure) and sure[0] < 0.5 and sure[-1] == 1.0


@given(st.lists(st.floats(0, 100), max_size=20))
def test_no_taps_break_it(times: list[float]) -> None:
    source = TapSource()
    for time_s in times:
        source.tap(time_s)
    reading = source.read(RATE * 100, HOST_TIME)
    assert reading is None or (40 <= reading.bpm <= 240.1 and np.isfinite(reading.beat))


def test_the_knob_says_how_fast_and_no_more() -> None:
    bpm = 99.0
    source = InternalSource(lambda: bpm, Transport(RATE, 99.0, 0), lambda: 0)
    assert (source.read(5, HOST_TIME).bpm, source.read(5, HOST_TIME).lock) == (99.0, "tempo")
    bpm = 101.0
    assert source.read(6, HOST_TIME).bpm == 101.0
