"""Frechet audio distance: how far two populations of stems are apart in an embedding.

Kilgour et al., Interspeech 2019, but with the embedding that is named in the figure. A distance
grows as the number of vectors shrinks, so both sides have equally many, and beside it stands its
floor: the distance of the true stems from other true stems.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

ENOUGH = 1_000
"""Vectors a side from which a distance is worth comparing with another run's."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fad:
    """A distance and what it has to be read with.

    Attributes:
        distance: of ours from the true stems, 0 or more.
        floor: of other true stems from the same true stems.
        vectors: how many vectors each side had.
        embedding: what the vectors are.
    """

    distance: float
    floor: float
    vectors: int
    embedding: str

    @property
    def label(self) -> str:
        """What the figure has to be called."""
        few = "" if self.vectors >= ENOUGH else ", too few to compare"
        return f"FAD ({self.embedding}, N = {self.vectors}{few})"


def frechet_distance(one: Vectors, other: Vectors) -> float:
    """Squared Frechet distance of the normal distributions of vectors [n, d] and [m, d].

    |mean1 - mean2|^2 + tr(C1 + C2 - 2 (C1 C2)^(1/2)), C the covariance (divided by n - 1).

    Raises:
        ValueError: a side has fewer than two vectors.
    """
    if min(len(one), len(other)) < 2:
        raise ValueError(f"{len(one)} and {len(other)} vectors; valid: at least 2 a side")
    return Reference(one).distance(other)


class Reference:
    """Vectors that the distance of many others is asked from; see `frechet_distance`."""

    def __init__(self, vectors: Vectors) -> None:
        """Take at least two vectors [n, d]."""
        self._mean, covariance = _moments(vectors)
        # The trace of the root of C1 C2 is that of the root of C1^(1/2) C2 C1^(1/2), which is
        # symmetric: its eigenvalues are real, but for rounding not below 0.
        values, axes = np.linalg.eigh(covariance)
        self._root = (axes * np.sqrt(np.maximum(values, 0.0))) @ axes.T
        self._trace = np.trace(covariance)

    def distance(self, vectors: Vectors) -> float:
        """The distance of at least two vectors [m, d]."""
        exact = vectors.astype(np.float64)
        mean = exact.mean(0)
        apart, spread = self._mean - mean, (exact - mean) / np.sqrt(len(exact) - 1)
        rooted = spread @ self._root
        # Of C1^(1/2) C2 C1^(1/2) = R'R the eigenvalues other than 0 are those of RR', which is the
        # smaller one where there are fewer vectors than dimensions.
        product = rooted @ rooted.T if len(rooted) < rooted.shape[1] else rooted.T @ rooted
        shared = np.sqrt(np.maximum(np.linalg.eigvalsh(product), 0.0)).sum()
        trace = (spread**2).sum()
        return float(max(0.0, apart @ apart + self._trace + trace - 2 * shared))


def _moments(vectors: Vectors) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    exact = vectors.astype(np.float64)
    return exact.mean(0), np.atleast_2d(np.cov(exact, rowvar=False))


def fad(ours: Sequence[Vectors], true: Sequence[Vectors], embedding: str, seed: int = 0) -> Fad:
    """Distance of generated from true stems, each the vectors [n, d] of one stem.

    The true stems are dealt into two hands, whole stems, since windows of one stem are alike:
    one is the reference of both the distance and the floor, the other gives the floor. All three
    are cut, by chance (same seed, same figure), to the size of the smallest.

    Raises:
        ValueError: a side has fewer than two vectors.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(true))
    hands = [[true[at] for at in order[half::2]] for half in (0, 1)]
    sets: list[Vectors] = [
        np.concatenate(side) if len(side) else np.zeros((0, 1), np.float32)
        for side in (ours, *hands)
    ]
    count = min(len(vectors) for vectors in sets)
    if count < 2:
        raise ValueError(
            f"{len(sets[0])} vectors of ours, {len(sets[1])} and {len(sets[2])} of the true "
            "stems; valid: at least 2 of each, from at least 2 true stems"
        )
    drawn, reference, others = (v[rng.permutation(len(v))[:count]] for v in sets)
    return Fad(
        frechet_distance(drawn, reference), frechet_distance(others, reference), count, embedding
    )


def fad_by_category(
    ours: Mapping[str, Sequence[Vectors]],
    true: Mapping[str, Sequence[Vectors]],
    embedding: str,
    seed: int = 0,
) -> dict[str, Fad]:
    """The distance of each category of stems on its own, vectors [n, d] a stem.

    A bass is compared with basses only. Categories without two vectors on each side are left out.
    """
    figures = {}
    for category in sorted(set(ours) & set(true)):
        try:
            figures[category] = fad(ours[category], true[category], embedding, seed)
        except ValueError:
            continue
    return figures
