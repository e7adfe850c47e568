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
"""Vectors a side from which a distance is told: with fewer it could not be compared with another
run's."""

Vectors = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fad:
    """Distances and what they have to be read with.

    Attributes:
        distances: of each population from the true stems, by its name, 0 or more.
        floor: of other true stems from the same true stems.
        vectors: how many vectors each side had, `ENOUGH` or more.
        embedding: what the vectors are.
    """

    distances: Mapping[str, float]
    floor: float
    vectors: int
    embedding: str


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


def halves(stems: Sequence[Vectors], songs: Sequence[str]) -> tuple[Vectors, Vectors]:
    """The vectors of some stems, [n, d] each, in two halves [m, d]: a song is whole in one.

    Windows of one song are alike; dealt into both halves they would make their distance nothing.

    Args:
        stems: vectors of each stem.
        songs: the song of each stem, in the same order.
    """
    names = list(dict.fromkeys(songs))

    def half(chosen: Sequence[str]) -> Vectors:
        kept = [stem for stem, song in zip(stems, songs, strict=True) if song in chosen]
        return np.concatenate(kept) if kept else np.zeros((0, 1), np.float32)

    return half(names[::2]), half(names[1::2])


def fad(
    ours: Mapping[str, Sequence[Vectors]],
    true: Sequence[Vectors],
    songs: Sequence[str],
    embedding: str,
    seed: int = 0,
) -> Fad | None:
    """Distances of populations from the true stems, where there are enough vectors for one.

    One half of the true stems is what all are held against; the other gives the floor. All are
    cut, by chance (same seed, same figure), to the size of the smallest.

    Args:
        ours: populations by name, the vectors [n, d] of each stem; those that have fewer than
            `ENOUGH` in all are left out.
        true: the vectors [n, d] of each true stem.
        songs: the song of each true stem.
        embedding: what the vectors are.
        seed: of the cut.

    Returns:
        None if a half of the true stems has fewer than `ENOUGH`.
    """
    reference, others = halves(true, songs)
    if min(len(reference), len(others)) < ENOUGH:
        return None
    populations = {
        name: np.concatenate(stems)
        for name, stems in ours.items()
        if sum(map(len, stems)) >= ENOUGH
    }
    count = min(map(len, (reference, others, *populations.values())))

    def cut(vectors: Vectors) -> Vectors:
        return vectors[np.random.default_rng(seed).permutation(len(vectors))[:count]]

    held_against = Reference(cut(reference))
    distances = {name: held_against.distance(cut(side)) for name, side in populations.items()}
    return Fad(distances, held_against.distance(cut(others)), count, embedding)
