"""A law of how bits fall with more, and more varied, music: fitted, with its intervals."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import least_squares

from training.experiments.estimates import Estimate

RESAMPLES = 200
LEAST_BITS, MOST_BITS = 0.0, 44.0

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Law:
    """bits = floor + scale * minutes ** -amount * songs ** -variety.

    Attributes:
        floor: bits a frame that no more music takes away.
        scale: bits a frame above it, of one minute from one song.
        amount, variety: exponents, from 0 up.
    """

    floor: float
    scale: float
    amount: float
    variety: float

    def bits(self, minutes: Figures, songs: Figures) -> Figures:
        """What it foretells, [n] and [n] -> [n]."""
        return self.floor + self.scale * minutes**-self.amount * songs**-self.variety


@dataclass(frozen=True, slots=True)
class Fit:
    """A law, and how surely it is known.

    Attributes:
        floor, amount, variety: with their 95 % bootstrap intervals over windows.
        error: root of the mean squared distance of the law from what it was fitted to.
    """

    law: Law
    floor: Estimate
    amount: Estimate
    variety: Estimate
    error: float


def fit_law(minutes: Sequence[float], songs: Sequence[float], bits: Sequence[Figures]) -> Fit:
    """Fit the law to what was measured.

    Args:
        minutes, songs: of each portion [n], at least four.
        bits: of each, of the same windows [n][N].
    """
    where = np.asarray(minutes, np.float64), np.asarray(songs, np.float64)
    told = np.stack(bits)
    law = _fitted(*where, told.mean(1))
    rng = np.random.default_rng(0)
    count = told.shape[1]
    drawn = [
        _fitted(*where, told[:, rng.integers(0, count, count)].mean(1), law)
        for _ in range(RESAMPLES)
    ]

    def estimate(name: str) -> Estimate:
        low, high = np.quantile([getattr(one, name) for one in drawn], (0.025, 0.975))
        return Estimate(getattr(law, name), float(low), float(high), count)

    apart = law.bits(*where) - told.mean(1)
    return Fit(
        law,
        estimate("floor"),
        estimate("amount"),
        estimate("variety"),
        float(np.sqrt(np.square(apart).mean())),
    )


def _fitted(minutes: Figures, songs: Figures, bits: Figures, start: Law | None = None) -> Law:
    def apart(numbers: Figures) -> Figures:
        return Law(*numbers).bits(minutes, songs) - bits

    least = float(bits.min())
    first = start or Law(0.95 * least, max(0.1, float(bits.max()) - 0.95 * least), 0.3, 0.1)
    bounds = ((LEAST_BITS, 0.0, 0.0, 0.0), (MOST_BITS, 10 * MOST_BITS, 3.0, 3.0))
    found = least_squares(apart, _numbers(first), bounds=bounds, x_scale=(1.0, 1.0, 0.1, 0.1))
    return Law(*map(float, found.x))


def _numbers(law: Law) -> list[float]:
    return [law.floor, law.scale, law.amount, law.variety]
