"""Means and shares of answers, with intervals that hold for other listeners and other contexts.

An answer depends on who gives it and on what is heard, so answers of one listener are alike, and so
are those to one context; of both, others could have been drawn. The variance of a mean is what a
bootstrap by listener finds, and what a bootstrap by context finds, less what one by single answers
finds, since the chance in each answer is in both (Cameron, Gelbach and Miller 2011; a bootstrap
that draws listeners and contexts at once would count it three times, Owen 2007). Of a mean the
three can be summed up without drawing: they are what endless draws would come to. The interval is
that of Student's t, with the degrees of freedom that so many listeners and contexts leave
(Satterthwaite).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from scipy.stats import t as student

LEVEL = 0.95
"""Share of studies in which an interval holds what is true."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """A figure and its interval; NaN where there is too little to say.

    Attributes:
        value: the figure.
        low, high: its interval.
        p: how likely a figure as far from 0 would be if there were nothing; NaN for a share.
    """

    value: float
    low: float
    high: float
    p: float = math.nan


@dataclass(frozen=True, eq=False)
class Answers:
    """Answers to one kind of trial, one entry each: [answers].

    Attributes:
        value: of a rating 1..5.
        arm: column of the study.
        listener, context: whose and to what, numbers from 0 up.
    """

    value: NDArray[np.float64]
    arm: NDArray[np.int64]
    listener: NDArray[np.int64]
    context: NDArray[np.int64]

    def mean(self, arm: int) -> Estimate:
        """The mean of an arm."""
        value, pull = self._pull(arm)
        return self._interval(value, pull)

    def difference(self, arm: int, other: int) -> Estimate:
        """The mean of an arm less that of another, as all listeners and contexts would have it.

        What a listener gives to everything, or a context, is fitted and taken out, so that it is no
        difference that some answers are missing.
        """
        effects, pulls = self._adjusted
        if max(arm, other) >= len(effects):  # nobody has answered to one of them
            return Estimate(math.nan, math.nan, math.nan)
        return self._interval(effects[arm] - effects[other], pulls[arm] - pulls[other])

    @cached_property
    def _adjusted(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """What arms add, [arms], by least squares beside listeners and contexts; pulls likewise.

        NaN for arms without answers, and where there are not more answers than things to fit.
        """
        numbered = [np.unique(each, return_inverse=True) for each in self._things]
        parts = [np.eye(len(names))[which] for names, which in numbered]
        fitted = np.concatenate(parts, 1)
        arms, answers = numbered[0][0], len(self.value)
        spare = answers - (fitted.shape[1] - 2)  # each set of three adds up to the same constant
        effects = np.full(int(arms.max(initial=-1)) + 1, np.nan)
        pulls = np.full((len(effects), answers), np.nan)
        if spare > 0 and answers:
            solving = np.linalg.pinv(fitted)
            found = solving @ self.value
            left = (self.value - fitted @ found) * math.sqrt(answers / spare)
            effects[arms] = found[: len(arms)]
            pulls[arms] = solving[: len(arms)] * left
        return effects, pulls

    @property
    def _things(self) -> tuple[NDArray[np.int64], ...]:
        return self.arm, self.listener, self.context

    def share(self, arm: int) -> Estimate:
        """The mean of an arm whose values are 0 and 1, by Wilson's interval.

        It is taken of as many independent answers as would vary as much.
        """
        value, pull = self._pull(arm)
        count = int((self.arm == arm).sum())
        variance, _ = self._variance(pull)
        if math.isnan(variance):
            return Estimate(value, math.nan, math.nan)
        if 0.0 < value < 1.0 and variance > 0.0:
            independent = min(float(count), value * (1.0 - value) / variance)
        else:
            independent = float(count)
        z2 = float(norm.ppf(0.5 + LEVEL / 2)) ** 2
        middle = (value + z2 / (2 * independent)) / (1 + z2 / independent)
        spread = value * (1 - value) / independent + z2 / (4 * independent**2)
        half = math.sqrt(z2 * spread) / (1 + z2 / independent)
        return Estimate(value, max(0.0, middle - half), min(1.0, middle + half))

    def _pull(self, arm: int) -> tuple[float, NDArray[np.float64]]:
        """The mean of an arm, and how far each answer pulls it: [answers], of sum 0."""
        chosen = self.arm == arm
        count = int(chosen.sum())
        if not count:
            return math.nan, np.zeros(len(self.value))
        value = float(self.value[chosen].mean())
        return value, np.where(chosen, self.value - value, 0.0) / count

    def _interval(self, value: float, pull: NDArray[np.float64]) -> Estimate:
        variance, freedom = self._variance(pull)
        if math.isnan(variance) or math.isnan(value):
            return Estimate(value, math.nan, math.nan)
        error = math.sqrt(variance)
        half = float(student.ppf(0.5 + LEVEL / 2, freedom)) * error
        p = 2.0 * float(student.sf(abs(value) / error, freedom)) if error else float(value == 0.0)
        return Estimate(value, value - half, value + half, p)

    def _variance(self, pull: NDArray[np.float64]) -> tuple[float, float]:
        """The variance of a figure and its degrees of freedom; NaN for fewer than two of either."""
        if np.isnan(pull).any():
            return math.nan, math.nan
        cell = self.listener * (int(self.context.max(initial=0)) + 1) + self.context
        groups = [np.unique(each, return_inverse=True)[1] for each in self._groups(cell)]
        counts = [int(each.max(initial=-1)) + 1 for each in groups]
        if min(counts) < 2:
            return math.nan, math.nan
        if not pull.any():
            return 0.0, float(min(counts) - 1)
        listener, context, single = (
            count / (count - 1) * float((np.bincount(group, pull) ** 2).sum())
            for group, count in zip(groups, counts, strict=True)
        )
        # By chance it may come out next to nothing, or below; with half of what single answers give
        # as the least, intervals of simulated studies hold best (benchmarks/listening.py).
        variance = max(listener + context - single, single / 2)
        freedom = variance**2 / (listener**2 / (counts[0] - 1) + context**2 / (counts[1] - 1))
        return variance, max(freedom, float(min(counts) - 1))

    def _groups(self, cell: NDArray[np.int64]) -> tuple[NDArray[np.int64], ...]:
        return self.listener, self.context, cell


def holm(p: Sequence[float]) -> tuple[float, ...]:
    """Several p values as they stand together: one of them below 0.05 by chance in 1 of 20 studies.

    NaN stays NaN.
    """
    known = sorted((value, place) for place, value in enumerate(p) if not math.isnan(value))
    made, least = [math.nan] * len(p), 0.0
    for rank, (value, place) in enumerate(known):
        least = max(least, min(1.0, value * (len(known) - rank)))
        made[place] = least
    return tuple(made)
