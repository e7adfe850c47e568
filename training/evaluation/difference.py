"""How much one way of generating differs from another on the same examples, and how surely."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from training.evaluation.fad import ENOUGH, Reference, Vectors
from training.evaluation.gap import CONFIDENCE, RESAMPLES, Figures

FAD_RESAMPLES = 200


@dataclass(frozen=True, slots=True)
class Difference:
    """A difference of means, or of two distances.

    Attributes:
        difference: the one less the other.
        low, high: bounds of its 95 % interval.
        examples: how many examples have both.
    """

    difference: float
    low: float
    high: float
    examples: int

    @property
    def sure(self) -> bool:
        """Whether nought lies outside of the interval."""
        return self.low > 0 or self.high < 0


def paired_difference(one: Figures, other: Figures, seed: int = 0) -> Difference | None:
    """Mean difference of a measure on the same examples [n], [n]; None if fewer than two have both.

    The interval is the percentile bootstrap over examples, each drawn with both of its figures.
    """
    apart = np.asarray(one, np.float64) - np.asarray(other, np.float64)
    apart = apart[np.isfinite(apart)]
    count = len(apart)
    if count < 2:
        return None
    rng = np.random.default_rng(seed)
    means = apart[rng.integers(0, count, (RESAMPLES, count))].mean(1)
    low, high = _bounds(means)
    return Difference(float(apart.mean()), low, high, count)


def fad_difference(
    one: Sequence[Vectors], other: Sequence[Vectors], true: Sequence[Vectors], seed: int = 0
) -> Difference | None:
    """Frechet distance of one population of stems from the true ones less that of another.

    Each is the vectors [n, d] of one stem; `one` and `other` are of the same examples, and are
    drawn together, whole stems. The true stems stay as they are: they are the same for both. None
    if one of the three has fewer than `ENOUGH` vectors.
    """
    count = len(one)
    if count < 2 or min(sum(map(len, side)) for side in (one, other, true)) < ENOUGH:
        return None
    reference = Reference(np.concatenate(true))

    def distance(chosen: np.ndarray) -> float:
        first, second = (np.concatenate([side[n] for n in chosen]) for side in (one, other))
        return reference.distance(first) - reference.distance(second)

    rng = np.random.default_rng(seed)
    drawn = [distance(rng.integers(0, count, count)) for _ in range(FAD_RESAMPLES)]
    low, high = _bounds(np.array(drawn))
    return Difference(distance(np.arange(count)), low, high, count)


def _bounds(drawn: Figures) -> tuple[float, float]:
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(drawn, (tail, 1 - tail))
    return float(low), float(high)
