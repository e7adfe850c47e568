"""How much of the way from a random stem to the true one does ours go?"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2_000
CONFIDENCE = 0.95
BLOCK = 100
"""Resamples drawn at once, which bounds the memory."""

Figures = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Gap:
    """A measure of generated stems between its two anchors.

    Attributes:
        closed: share of the gap closed: 0 is no better than a random pair, 1 is as good as the
            true stem; below 0 and above 1 are possible. NaN where the anchors are equal.
        low, high: bounds of its 95 % interval; infinite where the examples cannot bound it.
        ours, true, random: the three means.
        distinct: whether the anchors differ beyond chance; where they do not, the measure
            cannot tell a true stem from a random one here, and `closed` means nothing.
        examples: how many examples have all three figures.
    """

    closed: float
    low: float
    high: float
    ours: float
    true: float
    random: float
    distinct: bool
    examples: int


def gap_closed(
    ours: Figures, true: Figures, random: Figures, seed: int = 0, resamples: int = RESAMPLES
) -> Gap:
    """Share of the gap closed, with a bootstrap interval.

    (mean(ours) - mean(random)) / (mean(true) - mean(random)): one ratio of means, not a mean of
    ratios, which examples with a small gap would dominate. It reads the same whether more is
    better or less is. The interval is the percentile bootstrap (Efron 1979) over examples: an
    example is drawn with its three figures together, so that what makes it hard for all three
    cancels. The anchors are distinct if the gap has one sign in all but 2.5 % of the resamples;
    where they are not, the share could lie anywhere, and the interval is unbounded.

    Args:
        ours: the measure on generated stems [examples].
        true: on the true stems of the same contexts [examples], in the same order.
        random: on stems of other songs in the same contexts [examples], in the same order.
        seed: of the bootstrap; same seed, same interval.
        resamples: how many times the examples are drawn again.

    An example in which any of the three is NaN (nothing to measure) is left out of all three.

    Raises:
        ValueError: the lengths differ, or fewer than two examples are left.
    """
    figures = _paired(ours, true, random)
    means = figures.mean(0)
    rng = np.random.default_rng(seed)
    count = len(figures)
    drawn = []
    for first in range(0, resamples, BLOCK):
        chosen = rng.integers(0, count, (min(BLOCK, resamples - first), count))
        drawn.append(figures[chosen].mean(1))
    closed, widths = _share(np.concatenate(drawn))
    tail = (1 - CONFIDENCE) / 2
    distinct = bool(min((widths >= 0).mean(), (widths <= 0).mean()) <= tail)
    low, high = -np.inf, np.inf
    if distinct:
        # What is left of resamples with no gap at all says nothing about the share.
        low, high = np.quantile(closed[np.isfinite(closed)], (tail, 1 - tail))
    share = float(_share(means[None])[0][0])
    ours_mean, true_mean, random_mean = (float(mean) for mean in means)
    return Gap(share, float(low), float(high), ours_mean, true_mean, random_mean, distinct, count)


def _paired(ours: Figures, true: Figures, random: Figures) -> Figures:
    if not len(ours) == len(true) == len(random):
        raise ValueError(
            f"{len(ours)} figures of ours, {len(true)} of true stems and {len(random)} of random "
            "ones; valid: one of each for every example"
        )
    figures = np.stack([ours, true, random], axis=1).astype(np.float64)
    figures = figures[np.isfinite(figures).all(1)]
    if len(figures) < 2:
        raise ValueError(f"{len(figures)} examples have all three figures; valid: at least 2")
    return figures


def _share(means: Figures) -> tuple[Figures, Figures]:
    """Shares closed and widths of the gap, [n] each, of means [n, 3]."""
    widths = means[:, 1] - means[:, 2]
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = np.where(widths == 0, np.nan, (means[:, 0] - means[:, 2]) / widths)
    return shares, widths
