"""How much one thing tells of another, in rows that come in groups: ridge regression, held out."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.gap import CONFIDENCE
from training.experiments.estimates import NOTHING, RESAMPLES, Estimate

FOLDS = 5
PENALTIES = (0.3, 1.0, 3.0, 10.0, 30.0)
"""Of the regression, as rows for each column; which one is tried on groups that were held back."""

Rows = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class HeldOut:
    """What is foretold of rows by a fit that has seen none of their group.

    Attributes:
        true: [rows, d].
        foretold: [rows, d].
        blind: [rows, d], the mean of the rows that were fitted on: foretold with nothing.
        groups: of each row.
    """

    true: Rows
    foretold: Rows
    blind: Rows
    groups: Sequence[str]

    def correlation(self, seed: int = 0) -> Estimate:
        """The multiple correlation: the root of the share of the variance that is foretold.

        0 where no more is foretold than with nothing. Percentile bootstrap over groups.
        """
        missed = ((self.true - self.foretold) ** 2).sum(1)
        whole = ((self.true - self.blind) ** 2).sum(1)

        def figure(rows: NDArray[np.int64]) -> float:
            spread = whole[rows].sum()
            return math.sqrt(max(0.0, 1 - missed[rows].sum() / spread)) if spread else math.nan

        return self._estimate(figure, seed)

    def column_correlation(self, at: int, seed: int = 0) -> Estimate:
        """Pearson's correlation of one column with what is foretold of it; by groups as above.

        Both without what is foretold blindly: the mean of all other rows is the lower the higher
        a row is, and would correlate with it below 0 where there is nothing to foretell.
        """
        true, foretold = (side[:, at] - self.blind[:, at] for side in (self.true, self.foretold))

        def figure(rows: NDArray[np.int64]) -> float:
            if not (np.ptp(true[rows]) and np.ptp(foretold[rows])):
                return math.nan
            return float(np.corrcoef(true[rows], foretold[rows])[0, 1])

        return self._estimate(figure, seed)

    def _estimate(self, figure: Callable[[NDArray[np.int64]], float], seed: int) -> Estimate:
        names = sorted(set(self.groups))
        of = {name: np.flatnonzero(np.array(self.groups) == name) for name in names}
        value = figure(np.arange(len(self.true)))
        if len(names) < 2 or not math.isfinite(value):
            return NOTHING
        rng, drawn = np.random.default_rng(seed), []
        for _ in range(RESAMPLES):
            chosen = rng.integers(0, len(names), len(names))
            drawn.append(figure(np.concatenate([of[names[n]] for n in chosen])))
        tail = (1 - CONFIDENCE) / 2
        low, high = np.nanquantile(drawn, (tail, 1 - tail))
        return Estimate(value, float(low), float(high), len(names))


def foretell(
    told: Rows, wanted: Rows, groups: Sequence[str], folds: int = FOLDS, seed: int = 0
) -> HeldOut:
    """Foretell `wanted` [rows, d] from `told` [rows, n] by ridge regression.

    Args:
        told: columns are scaled to the spread they have in the rows fitted on.
        wanted: of the same rows.
        groups: of each row; a group is foretold from other groups only.
        folds: parts that the groups are dealt into.
        seed: of the dealing.

    Raises:
        ValueError: fewer groups than two.
    """
    names = sorted(set(groups))
    if len(names) < 2:
        raise ValueError(f"{len(names)} groups; valid: at least 2")
    dealt = np.random.default_rng(seed).permutation(len(names)) % min(folds, len(names))
    place = dict(zip(names, dealt, strict=True))
    fold = np.array([place[name] for name in groups])
    foretold, blind = np.zeros_like(wanted), np.zeros_like(wanted)
    for part in range(dealt.max() + 1):
        out = fold == part
        penalty = _best_penalty(told[~out], wanted[~out], fold[~out])
        foretold[out] = _fitted(told[~out], wanted[~out], penalty, told[out])
        blind[out] = wanted[~out].mean(0)
    return HeldOut(wanted, foretold, blind, tuple(groups))


def _best_penalty(told: Rows, wanted: Rows, fold: NDArray[np.int64]) -> float:
    """The penalty with which rows [rows, n] of one fold are best foretold from the others."""

    def missed(penalty: float) -> float:
        total = 0.0
        for part in np.unique(fold):
            out = fold == part
            foretold = _fitted(told[~out], wanted[~out], penalty, told[out])
            total += float(((wanted[out] - foretold) ** 2).sum())
        return total

    return min(PENALTIES, key=missed) if len(np.unique(fold)) > 1 else PENALTIES[-1]


def _fitted(told: Rows, wanted: Rows, penalty: float, asked: Rows) -> Rows:
    """What is foretold of rows `asked` [m, n] from rows [rows, n] and [rows, d]: [m, d]."""
    mean, spread, middle = told.mean(0), told.std(0) + 1e-9, wanted.mean(0)
    scaled = (told - mean) / spread
    square = scaled.T @ scaled + penalty * scaled.shape[1] * np.eye(scaled.shape[1])
    weights = np.linalg.solve(square, scaled.T @ (wanted - middle))
    return middle + (asked - mean) / spread @ weights
