"""Choices that do not hang on the last bits of one processor.

Processors add up in another order and with other instructions, so what is equal in arithmetic may
differ in the last bits of a float. The highest of several scores is then whichever was rounded up.
Here scores that differ by no more than rounding are equal, and of equals the first is taken.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

ROUNDING = 1e-5
"""Part of the scores' scale that rounding may make of sums of a few hundred float32 products."""


def first_best(scores: NDArray[np.floating[Any]], scale: float | None = None) -> int:
    """The first of the highest scores, as an index into the flattened array.

    Args:
        scores: of any shape, at least one; none is NaN.
        scale: what a large score is; the largest magnitude among them where it is not given.

    Raises:
        ValueError: there is none.
    """
    flat = scores.ravel()
    if scale is None:
        scale = float(np.abs(flat).max())
    return int(np.argmax(flat >= flat.max() - ROUNDING * scale))


def all_alike(values: NDArray[np.floating[Any]]) -> bool:
    """Whether values differ by no more than rounding, as parts of the largest magnitude."""
    return bool(np.ptp(values) <= ROUNDING * np.abs(values).max())
