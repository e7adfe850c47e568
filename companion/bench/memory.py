"""How much memory a process has held at most."""

from __future__ import annotations

import contextlib
import re
import sys
from pathlib import Path


def peak_mb(pid: int) -> float | None:
    """MB that a running process held at most so far, on Linux; None where that is not told."""
    with contextlib.suppress(OSError):
        told = Path(f"/proc/{pid}/status").read_text(errors="replace")
        if found := re.search(r"^VmHWM:\s+(\d+) kB$", told, re.MULTILINE):
            return int(found[1]) / 1000
    return None


def peak_of_children_mb() -> float | None:
    """MB that the largest of this process's children that have ended held; None on Windows."""
    if sys.platform == "win32":
        return None
    import resource

    used = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    return used / 1e6 if sys.platform == "darwin" else used / 1000  # bytes there, kB elsewhere
