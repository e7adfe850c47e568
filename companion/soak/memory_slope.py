"""Whether memory grows: the process's resident size over a long run."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

WARM_UP = 0.2
"""Share of the run that does not count: caches and pools fill up first."""
LEAST_HOURS = 0.25
"""A shorter run tells nothing but how they do."""


def resident_mb() -> float:
    """What the process holds in memory now, MB; where the system does not tell, its most so far."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1e6
    except (OSError, IndexError, ValueError):
        most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
        return most / 1e6 if sys.platform == "darwin" else most / 1e3


def slope_mb_per_hour(hours: Sequence[float], sizes_mb: Sequence[float]) -> float | None:
    """Growth by linear regression, without the warm-up; None for less than a quarter hour."""
    if not hours or hours[-1] - hours[0] < LEAST_HOURS:
        return None
    start = hours[0] + WARM_UP * (hours[-1] - hours[0])
    kept = [(at, size) for at, size in zip(hours, sizes_mb, strict=True) if at >= start]
    x, y = np.array(kept, np.float64).T
    return float(np.polyfit(x - x.mean(), y, 1)[0])
