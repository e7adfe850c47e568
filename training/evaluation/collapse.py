"""Has a generator collapsed? Silence, few tokens, the same stem whatever the seed."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from model.grid import SAMPLE_RATE, VOCABULARY
from training.evaluation.fingerprint import Fingerprints, likeness
from training.evaluation.fit import Audio

SILENT = 10 ** (-60 / 20)
"""RMS of a block that counts as silent, relative to full scale: -60 dBFS."""
BLOCK = SAMPLE_RATE // 10
"""Samples in a block: 100 ms."""


def is_silent(stem: Audio) -> bool:
    """Whether under half of the 100 ms blocks of a stem [samples] sound, or it has no block.

    What training leaves out as silent is silent here.
    """
    blocks = stem[: len(stem) // BLOCK * BLOCK].reshape(-1, BLOCK).astype(np.float64)
    if not len(blocks):
        return True
    return bool((np.sqrt((blocks**2).mean(1)) > SILENT).mean() < 0.5)


def silent_share(stems: Sequence[Audio]) -> float:
    """Share of stems [samples] that are silent, 0..1.

    Raises:
        ValueError: there is none.
    """
    if not len(stems):
        raise ValueError("no stems to look at; valid: at least one")
    return sum(is_silent(stem) for stem in stems) / len(stems)


def token_entropy(tokens: NDArray[np.int64]) -> NDArray[np.float64]:
    """Entropy of the tokens [B, Q, T] of each level over a whole population, in bits: [Q].

    0 where one token is all there is, 11 where all 2048 are equally frequent. Few tokens make it
    smaller than it is, so compare populations of equal size: ours and the true stems.
    """
    entropies = []
    for level in tokens.transpose(1, 0, 2).reshape(tokens.shape[1], -1):
        counts = np.bincount(level, minlength=VOCABULARY)
        shares = counts[counts > 0] / max(1, counts.sum())
        entropies.append(float(-(shares * np.log2(shares)).sum()) + 0.0)
    return np.array(entropies)


def variety(takes: Sequence[Fingerprints]) -> float:
    """How unlike the takes of one stem under several seeds are: 0 if all are the same.

    1 less the mean likeness, bar by bar, of all pairs of fingerprints [bars, n]; about 1 where
    two takes have no more in common than chance. NaN if no pair has a bar.

    Raises:
        ValueError: fewer than two takes.
    """
    if len(takes) < 2:
        raise ValueError(f"{len(takes)} takes have no variety; valid: at least 2")
    pairs = np.array([likeness(one, other) for one, other in combinations(takes, 2)])
    known = pairs[np.isfinite(pairs)]
    return float(1.0 - known.mean()) if len(known) else float("nan")
