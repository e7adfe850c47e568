"""What moving sound between tempi promises: every beat on its line, nothing touched in between."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.clock.warp import stretched, warped

RATE = 48000


def hits(lines: list[int], length: int) -> np.ndarray:
    """A short noise burst on each line."""
    rng = np.random.default_rng(5)
    sound = np.zeros(length + 4000, np.float32)
    decay = np.exp(-np.arange(3000) / 500)
    for line in lines:
        sound[line : line + 3000] += (rng.normal(0, 0.3, 3000) * decay).astype(np.float32)
    return sound[:length]


def onset_near(sound: np.ndarray, line: int, within: int = 1500) -> int:
    """Samples between a line and the first loud sample near it."""
    start = max(0, line - within)
    return start + int(np.argmax(np.abs(sound[start : line + within]) > 0.1)) - line


@given(st.lists(st.integers(9000, 40000), min_size=1, max_size=6))
def test_lines_that_are_alike_leave_the_samples_as_they_are(steps: list[int]) -> None:
    lines = list(np.cumsum([0, *steps]))
    sound = np.random.default_rng(1).normal(0, 0.1, lines[-1] + 200).astype(np.float32)
    others = [line + 12345 for line in lines]
    np.testing.assert_array_equal(warped(sound, lines, others, RATE), sound[: lines[-1]])
    longer = [*others[:-1], others[-1] + 1]
    assert len(warped(sound[: lines[-1]], lines, longer, RATE)) == lines[-1] + 1


@settings(max_examples=25, deadline=None)
@given(st.lists(st.floats(0.92, 1.087), min_size=1, max_size=5), st.integers(0, 3))
def test_every_hit_stays_on_its_beat(factors: list[float], margin: int) -> None:
    step, before = 24000, margin * 1000
    lines = [before + n * step for n in range(len(factors) + 1)]
    others = [int(each) for each in np.cumsum([7, *(round(step * f) for f in factors)])]
    sound = hits(lines[:-1], lines[-1] + 2000)
    made = warped(sound, lines, others, RATE)
    assert made.dtype == np.float32 and len(made) == others[-1] - others[0]
    for other in others[1:-1]:
        assert abs(onset_near(made, other - others[0])) <= 0.003 * RATE


@given(st.floats(-0.0029, 0.0029), st.integers(5000, 50000))
def test_a_small_change_only_resamples(change: float, length: int) -> None:
    time_s = np.arange(length) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 200 * time_s)).astype(np.float32)
    made = stretched(sound, 1 + change, RATE)
    assert len(made) == round(length * (1 + change))
    inner = slice(1000, len(made) - 1000)
    exact = 0.3 * np.sin(2 * np.pi * 200 * np.arange(len(made)) / RATE / (len(made) / length))
    np.testing.assert_allclose(made[inner], exact[inner], atol=2e-3)


@pytest.mark.parametrize("factor", [0.93, 1.07])
def test_a_larger_change_keeps_the_pitch(factor: float) -> None:
    time_s = np.arange(RATE * 2) / RATE
    sound = (0.3 * np.sin(2 * np.pi * 440 * time_s)).astype(np.float32)
    made = stretched(sound, factor, RATE)
    inner = made[RATE // 2 : RATE // 2 + 48000]
    peak = np.argmax(np.abs(np.fft.rfft(inner * np.hanning(len(inner)))))
    assert peak * RATE / len(inner) == pytest.approx(440, abs=1.5)


def test_joins_have_no_step() -> None:
    lines = [2000 + n * 24000 for n in range(4)]
    sound = (0.4 * np.sin(2 * np.pi * 110 * np.arange(lines[-1] + 2000) / RATE)).astype(np.float32)
    others = [0, 24100, 48000, 72500]
    made = warped(sound, lines, others, RATE)
    assert np.abs(np.diff(made)).max() < 0.03


@settings(max_examples=25, deadline=None)
@given(st.floats(0.2, 6.0), st.sampled_from([8000, 44100, 48000]))
def test_the_same_sound_comes_out_each_time_however_far_it_is_stretched(
    factor: float, rate: int
) -> None:
    sound = np.random.default_rng(2).normal(0, 0.1, rate // 2).astype(np.float32)
    np.testing.assert_array_equal(stretched(sound, factor, rate), stretched(sound, factor, rate))
