"""The share of the gap closed: its ends, its sign, its interval, and when it means nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.gap import gap_closed

RNG = np.random.default_rng(0)
TRUE = RNG.normal(0.8, 0.05, 60)
RANDOM = RNG.normal(0.3, 0.05, 60)


def test_by_hand():
    """Means 0.5, 0.8 and 0.3: two fifths of the way."""
    gap = gap_closed(np.array([0.4, 0.6]), np.array([0.9, 0.7]), np.array([0.3, 0.3]))
    assert gap.closed == pytest.approx(0.4)
    assert (gap.ours, gap.true, gap.random) == pytest.approx((0.5, 0.8, 0.3))
    assert gap.examples == 2


def test_a_ratio_of_means_is_not_a_mean_of_ratios():
    """The second example has hardly a gap; its own ratio of -49 does not rule the figure."""
    gap = gap_closed(np.array([1.0, -0.5]), np.array([1.0, 0.01]), np.array([0.0, 0.0]))
    assert gap.closed == pytest.approx(0.25 / 0.505)


def test_the_anchors_are_one_and_nought():
    top, bottom = gap_closed(TRUE, TRUE, RANDOM), gap_closed(RANDOM, TRUE, RANDOM)
    assert (top.closed, top.low, top.high) == pytest.approx((1, 1, 1))
    assert (bottom.closed, bottom.low, bottom.high) == pytest.approx((0, 0, 0), abs=1e-12)
    assert top.distinct and bottom.distinct


def test_worse_than_random_is_negative_and_better_than_true_is_above_one():
    assert gap_closed(RANDOM - 0.1, TRUE, RANDOM).closed < 0
    assert gap_closed(TRUE + 0.1, TRUE, RANDOM).closed > 1


@given(
    share=st.floats(-1, 2),
    scale=st.floats(0.1, 10) | st.floats(-10, -0.1),
    shift=st.floats(-5, 5),
)
def test_unit_zero_and_direction_of_the_measure_do_not_matter(share, scale, shift):
    """Also a distance, of which less is better: the scale may be negative."""
    ours = RANDOM + share * (TRUE - RANDOM)
    gap = gap_closed(*(scale * x + shift for x in (ours, TRUE, RANDOM)), resamples=200)
    assert gap.closed == pytest.approx(share, abs=1e-6)
    assert gap.low == pytest.approx(share, abs=1e-6)
    assert gap.high == pytest.approx(share, abs=1e-6)


def test_pairing_cancels_what_is_common_to_an_example():
    """Hard and easy examples: paired the interval is a point, shuffled it is wide."""
    level = np.random.default_rng(1).normal(0, 1, 60)
    ours, true, random = level + 0.5, level + 1.0, level
    paired = gap_closed(ours, true, random)
    assert paired.high - paired.low < 1e-9
    shuffled = gap_closed(np.random.default_rng(2).permutation(ours), true, random)
    assert shuffled.closed == pytest.approx(paired.closed)
    assert shuffled.high - shuffled.low > 0.2


def test_the_interval_holds_the_truth_about_as_often_as_it_says():
    rng = np.random.default_rng(3)
    held = 0
    for seed in range(100):
        true, random, ours = (rng.normal(mean, 0.2, 50) for mean in (1.0, 0.0, 0.6))
        gap = gap_closed(ours, true, random, seed=seed, resamples=400)
        held += gap.low <= 0.6 <= gap.high
    assert 87 <= held <= 100


def test_more_examples_narrow_the_interval():
    def width(count: int) -> float:
        rng = np.random.default_rng(4)
        true, random, ours = (rng.normal(mean, 0.2, count) for mean in (1.0, 0.0, 0.6))
        gap = gap_closed(ours, true, random)
        return gap.high - gap.low

    assert width(800) < 0.5 * width(50)


def test_the_seed_fixes_the_interval():
    ours = np.random.default_rng(5).normal(0.6, 0.2, 60)
    assert gap_closed(ours, TRUE, RANDOM, seed=7) == gap_closed(ours, TRUE, RANDOM, seed=7)
    assert gap_closed(ours, TRUE, RANDOM, seed=7) != gap_closed(ours, TRUE, RANDOM, seed=8)


def test_anchors_that_do_not_differ_are_said_to():
    rng = np.random.default_rng(6)
    same = gap_closed(*(rng.normal(0, 1, 40) for _ in range(3)))
    assert not same.distinct
    assert (same.low, same.high) == (-math.inf, math.inf)
    equal = gap_closed(RANDOM, TRUE, TRUE)
    assert math.isnan(equal.closed) and not equal.distinct


def test_an_example_without_a_figure_is_left_out_of_all_three():
    ours, true, random = np.full((3, 5), [[0.5], [1.0], [0.0]])
    ours[0], true[1] = math.nan, math.nan
    random[0] = 100.0  # would spoil the mean if it were kept
    gap = gap_closed(ours, true, random)
    assert (gap.closed, gap.examples) == (0.5, 3)


def test_what_cannot_be_paired_is_refused():
    with pytest.raises(ValueError, match="3 figures of ours, 2 of true"):
        gap_closed(np.ones(3), np.ones(2), np.zeros(2))
    with pytest.raises(ValueError, match="1 examples"):
        gap_closed(np.ones(1), np.ones(1), np.zeros(1))
    with pytest.raises(ValueError, match="0 examples"):
        gap_closed(np.full(4, math.nan), np.ones(4), np.zeros(4))
