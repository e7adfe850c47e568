"""What to say when the disk says no."""

from __future__ import annotations

import shutil
from pathlib import Path


def disk_message(path: Path, error: Exception) -> str:
    """One line for a file or folder that could not be written."""
    reason = getattr(error, "strerror", None) or str(error).strip() or type(error).__name__
    try:
        free = f"; {shutil.disk_usage(path.parent).free / 1e6:.0f} MB free there"
    except OSError:  # the folder itself is gone
        free = ""
    return (
        f"cannot write {str(path)!r} ({reason.rstrip('.')}{free}); "
        "valid: a folder that may be written to, on a disk with room"
    )
