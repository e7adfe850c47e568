"""The folder of one take."""

from __future__ import annotations

from datetime import datetime
from pathlib import Path

from companion.system.errors import CompanionError, disk_message


def make_take_folder(parent: Path, now: datetime) -> Path:
    """Make and return `parent/YYYYMMDD-HHMMSS`, or `…-2`, `…-3` when that second is taken.

    Raises:
        CompanionError: the folder cannot be made.
    """
    stem = now.strftime("%Y%m%d-%H%M%S")
    number = 1
    try:
        parent.mkdir(parents=True, exist_ok=True)
        while True:
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            try:
                folder.mkdir()
                return folder
            except FileExistsError:
                number += 1
    except OSError as error:
        raise CompanionError(disk_message(parent, error)) from error
