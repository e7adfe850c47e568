"""Room for takes, and whether the disk keeps up with them."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from companion.setup.finding import Finding
from companion.system.errors import CompanionError, disk_message
from companion.system.whole import check_folder

BYTES = 4
"""Of a sample in a take."""
OWN_CHANNELS = 4
"""The input, both its channels, and what the echo guard takes out."""
SHORT_S, LEAST_S = 2 * 3600.0, 300.0
"""Music that there should be room for, and that there has to be."""
TRIED_BYTES, PIECE_BYTES, LONGEST_S = 16 << 20, 1 << 20, 2.0
RESERVE = 4.0
"""How many times as fast as a take grows a disk has to be: it has other things to write as well."""


def disk(
    takes: Path, players: int, rate: int, speed: Callable[[Path], float] | None = None
) -> Iterator[Finding]:
    """The folder for takes.

    Args:
        takes: it need not be there yet.
        players, rate: of the set.
        speed: measures bytes a second that are written into a folder.
    """
    try:
        check_folder(takes)
        whole = takes.absolute()
        folder = next(each for each in (whole, *whole.parents) if each.is_dir())
        free = shutil.disk_usage(folder).free
        written = (write_speed if speed is None else speed)(folder)
    except (CompanionError, OSError) as error:
        said = str(error) if isinstance(error, CompanionError) else disk_message(takes, error)
        yield Finding("wrong", "disk", said, "play in another folder, or: companion jam --takes")
        return
    growth = rate * BYTES * (players + OWN_CHANNELS)
    yield room(takes, free / growth, free)
    said = f"writes {written / 1e6:.0f} MB/s, a take grows by {growth / 1e6:.1f}"
    if written >= RESERVE * growth:
        yield Finding("ok", "disk speed", said)
    else:
        yield Finding(
            "note", "disk speed", said, "keep takes on another disk: companion jam --takes"
        )


def room(takes: Path, seconds: float, free: int) -> Finding:
    """Whether there is room for so many seconds of music."""
    said = f"{free / 1e9:.1f} GB free for {str(takes)!r}, {seconds / 3600:.1f} hours of music"
    if seconds >= SHORT_S:
        return Finding("ok", "disk", said)
    return Finding("note" if seconds >= LEAST_S else "wrong", "disk", said, "make room on it")


def write_speed(folder: Path) -> float:
    """Bytes a second that reach the disk; OSError if none do."""
    piece = os.urandom(PIECE_BYTES)
    with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
        started, written = time.perf_counter(), 0
        while written < TRIED_BYTES and time.perf_counter() - started < LONGEST_S:
            written += file.write(piece)
            os.fsync(file.fileno())
        return written / max(1e-6, time.perf_counter() - started)
