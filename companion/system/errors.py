"""Errors a user can do something about, and how their one line is put.

Every message is one line that names the thing, its value and what would be valid; the command
line prints it and leaves with exit code 2.
"""

from __future__ import annotations

import difflib
import reprlib
import shutil
from collections.abc import Sequence
from pathlib import Path

_SHORT = reprlib.Repr()
_SHORT.maxlevel, _SHORT.maxstring, _SHORT.maxother = 2, 60, 60


class CompanionError(Exception):
    """Something the user can put right: a wrong device, tempo, preset key, file."""


class NoDevice(CompanionError):
    """There is no sound device to open at all; the rig may fall back to the paced clock."""


def one_line(error: BaseException) -> str:
    """An error for a person: its message if it was written for one, else its kind as well."""
    text = " ".join(str(error).split())
    if isinstance(error, (CompanionError, ValueError)) and text:
        return text
    return f"{type(error).__name__}: {text}" if text else type(error).__name__


def shown(value: object) -> str:
    """A value as a message shows it: on one line, and cut where it is long."""
    return _SHORT.repr(value)


def nearest(name: str, names: Sequence[str]) -> str:
    """`; nearest: ...` for a message; empty where nothing is near."""
    close = difflib.get_close_matches(name, tuple(names), n=1)
    return f"; nearest: {close[0]}" if close else ""


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
