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
RIDGE = 1.0
"""Weight of the penalty, as a share of one row for each column."""

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
        """Pearson's correlation of one column with what is foretold of it; by groups as above."""
        true, foretold = self.true[:, at], self.foretold[:, at]

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
    fold = np.array([dealt[names.index(name)] for name in groups])
    foretold, blind = np.zeros_like(wanted), np.zeros_like(wanted)
    for part in range(dealt.max() + 1):
        out = fold == part
        mean, spread = told[~out].mean(0), told[~out].std(0) + 1e-9
        scaled = (told - mean) / spread
        middle = wanted[~out].mean(0)
        fitted = scaled[~out]
        square = fitted.T @ fitted + RIDGE * fitted.shape[1] * np.eye(fitted.shape[1])
        weights = np.linalg.solve(square, fitted.T @ (wanted[~out] - middle))
        foretold[out], blind[out] = middle + scaled[out] @ weights, middle
    return HeldOut(wanted, foretold, blind, tuple(groups))
