"""Telling whether a take is still being written: its log is locked for as long as it is open.

The lock belongs to the open file, so the operating system lets go of it when the process ends,
however it ends: nothing stale is left. Where there are no such locks (Windows), nothing is known.
"""

from __future__ import annotations

from pathlib import Path
from typing import BinaryIO

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]


def lock(file: BinaryIO) -> bool:
    """Hold an open file until it is closed; False if somebody else does."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return not isinstance(error, BlockingIOError)  # a file system without locks: not known
    return True


def is_locked(path: Path) -> bool:
    """Whether somebody holds a file; False for one that cannot be opened."""
    try:
        with path.open("rb") as file:
            return not lock(file)
    except OSError:
        return False
