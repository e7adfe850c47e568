"""Intervals: they hold what is true about as often as they say, and tell nothing from nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.experiments.estimates import (
    NOTHING,
    difference_estimate,
    mean_estimate,
    population_estimate,
)


def test_a_mean_lies_in_its_interval_and_leaves_out_what_was_not_measured():
    found = mean_estimate([1.0, 2.0, math.nan, 3.0])
    assert (found.value, found.count) == (2.0, 3)
    assert 1 <= found.low < 2 < found.high <= 3


@pytest.mark.parametrize("figures", [[], [1.0], [math.nan, math.nan, 1.0]])
def test_fewer_than_two_figures_tell_nothing(figures):
    assert mean_estimate(figures) is NOTHING
    assert mean_estimate(figures).text() == "–"


def test_a_difference_is_of_the_same_examples():
    hard = np.linspace(0, 100, 30)
    found = difference_estimate(hard + 1.0, hard)
    assert [found.value, found.low, found.high] == pytest.approx([1.0] * 3)


@pytest.mark.parametrize("estimate", ["mean", "population"])
def test_intervals_hold_the_truth_about_as_often_as_they_say(estimate):
    rng, held = np.random.default_rng(0), 0
    for seed in range(200):
        values = rng.normal(5.0, 2.0, 40)
        if estimate == "mean":
            found = mean_estimate(values)
        else:
            found = population_estimate(40, lambda n, v=values: float(v[n].mean()), seed)
        held += found.low <= 5.0 <= found.high
    assert 175 <= held <= 198


def test_a_population_that_cannot_be_told_is_nothing():
    assert population_estimate(5, lambda n: math.nan) is NOTHING
    assert population_estimate(1, lambda n: 1.0) is NOTHING


def test_a_biased_figure_stays_inside_of_its_interval():
    values = np.random.default_rng(1).normal(size=30)
    found = population_estimate(30, lambda n: float(len(set(values[n]))))
    assert found.low <= found.value <= found.high and found.value == 30
