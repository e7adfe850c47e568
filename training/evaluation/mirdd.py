"""MIRDD: how far the musical descriptors of two populations are apart.

After StemGen (arXiv 2312.08723): the mean over eleven descriptors of the Kullback-Leibler
divergence between their distributions in stems summed with their contexts. With open estimators
(`training.evaluation.descriptors`) the figure is ours: not comparable with the paper's.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from training.evaluation.descriptors import BINS, Descriptors

LABEL = "MIRDD (our estimators, not comparable with the paper's)"
PRIOR = 0.5
"""What each bin of a histogram has from the start (Krichevsky and Trofimov): no value is
impossible, and a divergence never infinite."""


@dataclass(frozen=True, slots=True)
class Mirdd:
    """The divergences, in nats.

    Attributes:
        by_descriptor: of each descriptor, 0 or more.
        examples: how many examples each population had.
    """

    by_descriptor: dict[str, float]
    examples: int

    @property
    def mean(self) -> float:
        """The figure: the mean over the descriptors."""
        return sum(self.by_descriptor.values()) / len(self.by_descriptor)


def mirdd(ours: Sequence[Descriptors], true: Sequence[Descriptors], seed: int = 0) -> Mirdd:
    """Divergence of generated examples from true ones, each described with its context.

    The larger population is cut to the size of the smaller by chance (same seed, same figure),
    since few examples alone make two populations differ. What that is worth is the figure of one
    half of the true examples against the other.

    Raises:
        ValueError: one of the populations is empty.
    """
    count = min(len(ours), len(true))
    if not count:
        raise ValueError(f"{len(ours)} examples against {len(true)} true ones; valid: some of each")
    rng = np.random.default_rng(seed)
    sides = [
        [side[at] for at in sorted(rng.permutation(len(side))[:count])] for side in (ours, true)
    ]
    figures = {}
    for name, bins in BINS.items():
        own, real = (histogram([v for d in side for v in d[name]], bins) for side in sides)
        figures[name] = divergence(real, own)
    return Mirdd(figures, count)


def histogram(values: Sequence[int], bins: int) -> NDArray[np.float64]:
    """Shares of the values 0..bins - 1 with the prior added: [bins], above 0, sum 1."""
    counts = np.bincount(np.asarray(values, np.int64), minlength=bins) + PRIOR
    return counts / counts.sum()


def divergence(true: NDArray[np.float64], ours: NDArray[np.float64]) -> float:
    """Kullback-Leibler divergence of our shares [bins] from the true ones [bins], in nats.

    sum true * log(true / ours): what is often in the true music and seldom in ours costs most.
    """
    return float(max(0.0, (true * np.log(true / ours)).sum()))
