"""Figures with their 95 % bootstrap intervals, as a page tells them."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.difference import paired_difference
from training.evaluation.gap import CONFIDENCE

RESAMPLES = 200
"""Of figures of a whole population, which take long to compute."""
DEVIATIONS = 1.96
"""Standard deviations on each side of a normal distribution's 95 %."""
NONE = "–"
"""Where nothing is to be told."""

assert CONFIDENCE == 0.95


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure.

    Attributes:
        value: NaN where there is nothing to tell.
        low, high: bounds of its 95 % interval.
        count: of the examples it stands on.
    """

    value: float
    low: float
    high: float
    count: int

    def text(self, digits: int = 2) -> str:
        """As a cell of a table: `0.61 [0.55, 0.66]`."""
        if not math.isfinite(self.value):
            return NONE
        low, high = f"{self.low:.{digits}f}", f"{self.high:.{digits}f}"
        return f"{self.value:.{digits}f} [{low}, {high}]"


NOTHING = Estimate(math.nan, math.nan, math.nan, 0)


def mean_estimate(figures: Sequence[float] | NDArray[np.float64]) -> Estimate:
    """The mean of figures [n], those that are NaN left out; percentile bootstrap over examples."""
    values = np.asarray(figures, np.float64)
    return difference_estimate(values, np.zeros(len(values)))


def difference_estimate(
    one: Sequence[float] | NDArray[np.float64], other: Sequence[float] | NDArray[np.float64]
) -> Estimate:
    """How much more one way has than another on the same examples, [n] and [n].

    `NOTHING` where fewer than two examples have both.
    """
    found = paired_difference(np.asarray(one, np.float64), np.asarray(other, np.float64))
    if found is None:
        return NOTHING
    return Estimate(found.difference, found.low, found.high, found.examples)


def population_estimate(
    count: int, figure: Callable[[NDArray[np.int64]], float], seed: int = 0
) -> Estimate:
    """A figure of a whole population of examples, such as a distance between distributions.

    The interval is the normal one of the bootstrap, the figure give or take 1.96 standard
    deviations of it over resamples: percentiles would lie beside the figure, since a resample,
    which has some examples twice and others not at all, is further from any other population.

    Args:
        count: how many examples there are.
        figure: of those examples whose places are given [count]; NaN where it cannot be told.
        seed: of the bootstrap; same seed, same interval.
    """
    value = figure(np.arange(count))
    if count < 2 or not math.isfinite(value):
        return NOTHING
    rng = np.random.default_rng(seed)
    drawn = [figure(rng.integers(0, count, count)) for _ in range(RESAMPLES)]
    spread = DEVIATIONS * float(np.nanstd(drawn))
    return Estimate(value, value - spread, value + spread, count)
