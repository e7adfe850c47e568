"""The gate: silence in gives no stem."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

SILENCE_DBFS = -60.0
"""Root mean square below this is silence (0 dBFS is a constant 1.0)."""


def rms_dbfs(audio: NDArray[np.float32]) -> float:
    """Root mean square level of `audio` [samples] in dBFS; -inf for no samples or all zeros."""
    if not audio.size:
        return -math.inf
    mean_square = float(np.mean(np.square(audio, dtype=np.float64)))
    return 10.0 * math.log10(mean_square) if mean_square > 0.0 else -math.inf


def is_silent(audio: NDArray[np.float32], known: NDArray[np.bool_] | None = None) -> bool:
    """True when what is known of `audio` [samples] is below -60 dBFS, or nothing is known.

    `known` [frames] marks equal stretches of `audio`; unknown ones do not count, or a single bar
    heard at the start of a long window would be judged by the emptiness after it.
    """
    if known is not None:
        audio = audio.reshape(len(known), -1)[known].ravel()
    return rms_dbfs(audio) < SILENCE_DBFS
