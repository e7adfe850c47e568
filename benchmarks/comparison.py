"""Measures of several cases side by side, and how far each is from one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def print_comparison(
    results: Sequence[Mapping[str, Any]], labels: Sequence[str], cases: Sequence[str], base: str
) -> None:
    """For each measure and case its mean, and its difference from `base` with the standard error.

    Args:
        results: of each example, by case and measure; NaN where there is none.
        labels: the measures.
        cases: in the order to print.
        base: one of them.
    """
    width = max(map(len, cases))
    for label in labels:
        print(label)
        for case in cases:
            values = np.array([row[case][label] for row in results])
            more = values - np.array([row[base][label] for row in results])
            more = more[~np.isnan(more)]
            error = more.std(ddof=1) / np.sqrt(len(more)) if len(more) > 1 else float("nan")
            print(f"  {case:{width}} {np.nanmean(values):.3f}  {more.mean():+.3f} ± {error:.3f}")
