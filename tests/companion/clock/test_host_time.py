"""Monotonic time to stream samples: exact to a fraction of a block, whatever the callback does."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.clock.host_time import HostTime
from companion.clock.reading import Line
from tests.companion.clock.master import UNSHRUNK, exact_host_time

RATE, BLOCK = 48_000, 256


def looks(
    seed: int, drift: float, seconds: float, start_s: float, lost_at_s: float = 1e9
) -> list[tuple[float, int]]:
    """Looks every 10 ms or so at a counter that moves by blocks, sometimes late; one step."""
    dice = np.random.default_rng(seed)
    seen = []
    for look in range(int(seconds * 100)):
        time_s = look / 100 + dice.uniform(0, 0.004)
        blocks = int(time_s * RATE * (1 + drift) / BLOCK)
        blocks -= int(dice.random() < 0.02) * int(dice.integers(1, 4))  # the callback was late
        blocks -= 4 * (time_s > lost_at_s)
        seen.append((start_s + time_s, max(0, blocks) * BLOCK))
    return [(t, max(p for _, p in seen[: n + 1])) for n, (t, _) in enumerate(seen)]


@given(
    st.integers(0, 10**6),
    st.floats(-3e-4, 3e-4),
    st.floats(2, 20),
    st.floats(0, 10**6),
)
@settings(max_examples=10, phases=UNSHRUNK)
def test_the_line_is_as_exact_as_a_tenth_of_a_block(
    seed: int, drift: float, seconds: float, start_s: float
) -> None:
    host_time = HostTime(RATE)
    seen = looks(seed, drift, seconds, start_s)
    for time_s, position in seen:
        host_time.observe(time_s, position)
    now_s = seen[-1][0]
    for at_s in (now_s, now_s - 1, now_s + 0.5):
        # A counter that moves by blocks is half a block behind on average.
        true = (at_s - start_s) * RATE * (1 + drift) - BLOCK / 2
        assert abs(host_time.sample_at(at_s) - true) < 0.0006 * RATE
        assert host_time.time_at(host_time.sample_at(at_s)) == pytest.approx(at_s, abs=1e-6)


@given(st.integers(0, 10**6))
@settings(max_examples=5, phases=UNSHRUNK)
def test_blocks_that_were_lost_are_noticed_within_half_a_second(seed: int) -> None:
    host_time = HostTime(RATE)
    for time_s, position in looks(seed, 0.0, 10.5, 0.0, lost_at_s=10.0):
        host_time.observe(time_s, position)
    true = 10.5 * RATE - BLOCK / 2 - 4 * BLOCK
    assert abs(host_time.sample_at(10.5) - true) < 0.0012 * RATE


def test_nothing_is_known_before_the_first_look() -> None:
    host_time = HostTime(RATE)
    assert not host_time.known
    for ask in (host_time.sample_at, host_time.time_at):
        with pytest.raises(ValueError, match="not been looked at"):
            ask(0.0)


def test_a_line_over_time_is_read_on_the_stream() -> None:
    reading = exact_host_time().reading(Line(10.0, 8.0, 120.0, confidence=0.5), 48_000 * 11)
    assert (reading.sample, reading.confidence, reading.lock) == (528_000, 0.5, "bar")
    assert reading.beat == pytest.approx(10.0)
    assert reading.bpm == pytest.approx(120.0)
    assert reading.beat_at(48_000 * 12, RATE) == pytest.approx(12.0)
