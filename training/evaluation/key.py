"""The key of a passage, by the profiles of Krumhansl and Kessler."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from model.ties import all_alike, first_best
from training.evaluation.notes import PitchedNote

# How well each degree fits a key, as listeners rated it (Krumhansl and Kessler, Psychological
# Review 1982): the tonic first, in semitones.
MAJOR_PROFILE = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
MINOR_PROFILE = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)

KEYS = 24
"""Keys 0..11 are C major to B major, 12..23 C minor to B minor."""


def pitch_class_times(notes: Iterable[PitchedNote]) -> NDArray[np.float64]:
    """Seconds for which each pitch class sounds: [12], C first."""
    times_s = np.zeros(12)
    for note in notes:
        times_s[note.pitch % 12] += note.end_s - note.start_s
    return times_s


def estimate_key(weights: NDArray[np.float64]) -> int | None:
    """The key 0..23 whose profile correlates best with weights of the pitch classes [12].

    None where all weights are equal, silence included: there is nothing to correlate. Of keys
    that fit as well it is the first.
    """
    if all_alike(weights):
        return None
    profiles = np.array([np.roll(p, k) for p in (MAJOR_PROFILE, MINOR_PROFILE) for k in range(12)])
    centred = profiles - profiles.mean(1, keepdims=True)
    fits = centred @ (weights - weights.mean()) / np.linalg.norm(centred, axis=1)
    return first_best(fits)


def key_agreement(estimated: int, true: int) -> float:
    """How near an estimated key 0..23 is to the true one, as MIREX scores it.

    1 for the same key; 0.5 for one whose tonic is a fifth above or below, in the same mode;
    0.3 for the relative and 0.2 for the parallel key; else 0. MIREX counts only the fifth above;
    here both, since neither side of a short window is closer to the truth.
    """
    if estimated == true:
        return 1.0
    distance = (estimated - true) % 12
    if estimated // 12 == true // 12:
        return 0.5 if distance in (5, 7) else 0.0
    if distance == 0:
        return 0.2
    # From a major key the relative is three semitones below, from a minor one above.
    relative = 9 if true < 12 else 3
    return 0.3 if distance == relative else 0.0
