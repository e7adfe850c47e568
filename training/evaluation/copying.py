"""Does a generated stem repeat one of the training set? The nearest passage, in any key.

A bar alone proves nothing (quarters on the root are in every song), so passages of several bars
are compared. How near is too near is not a matter of taste either: held-out stems, which copied
nothing, say how near two songs come by chance.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.ties import ROUNDING, first_best
from training.evaluation.fingerprint import Fingerprints, transposed

PASSAGE_BARS = 4
BY_CHANCE = 0.99
"""Quantile of the held-out stems' likeness above which a stem counts as copied."""


@dataclass(frozen=True, slots=True)
class Nearest:
    """The passage of the library that a stem is most like.

    Of passages that are alike but for rounding it is the first: by semitones, then by own bar, then
    in the library's order.

    Attributes:
        likeness: mean over the bars of a passage of the products of fingerprints, -1..1.
        name: the library's name for the stem it is in.
        bar: where the passage begins in that stem.
        own_bar: where its like begins in the stem that was looked up.
        semitones: how far up, 0..11, the looked-up stem has to be moved to be in its key.
    """

    likeness: float
    name: str
    bar: int
    own_bar: int
    semitones: int


class Library:
    """Fingerprints of the stems that were trained on, to be searched by passage."""

    def __init__(
        self, stems: Iterable[tuple[str, Fingerprints]], passage_bars: int = PASSAGE_BARS
    ) -> None:
        """Take stems by name, fingerprints [bars, n]; those shorter than a passage are left out.

        Raises:
            ValueError: none is long enough.
        """
        self._bars = passage_bars
        self._places: list[tuple[str, int]] = []
        rows = []
        for name, prints in stems:
            found = _passages(prints, passage_bars)
            rows.append(found)
            self._places += [(name, bar) for bar in range(len(found))]
        if not self._places:
            raise ValueError(f"no stem has {passage_bars} bars; valid: one at least as long")
        self._passages = np.concatenate([row for row in rows if len(row)])

    def nearest(self, stem: Fingerprints) -> Nearest | None:
        """The passage most like one of a stem [bars, n]; None if the stem is too short."""
        best: Nearest | None = None
        for semitones in range(12):
            own = _passages(transposed(stem, semitones), self._bars)
            if not len(own):
                return None
            # Rounding may take the product of a passage with itself beyond 1.
            scores = np.clip(own @ self._passages.T / self._bars, -1.0, 1.0)
            own_bar, place = np.unravel_index(first_best(scores, 1.0), scores.shape)
            score = float(scores[own_bar, place])
            if best is None or score > best.likeness + ROUNDING:
                name, bar = self._places[place]
                best = Nearest(score, name, bar, int(own_bar), semitones)
        return best


def copied_share(ours: Sequence[float], held_out: Sequence[float]) -> float:
    """Share of stems whose nearest passage is nearer than almost all held-out ones', 0..1.

    `ours` and `held_out` are likenesses to the same library; the line is the held-out stems'
    99 % quantile, so a set that copies nothing has a share of about 0.01.

    Raises:
        ValueError: one of them is empty.
    """
    if not len(ours) or not len(held_out):
        raise ValueError(
            f"{len(ours)} stems against {len(held_out)} held-out ones; valid: some of each"
        )
    line = np.quantile(np.asarray(held_out), BY_CHANCE)
    return float((np.asarray(ours) > line).mean())


def _passages(prints: Fingerprints, bars: int) -> NDArray[np.float32]:
    """Every run of so many bars of [n, k], as [n - bars + 1, bars * k]; none if it is shorter."""
    count = max(0, len(prints) - bars + 1)
    return (
        np.stack([prints[at : at + bars].ravel() for at in range(count)])
        if count
        else (np.zeros((0, bars * prints.shape[1]), np.float32))
    )
