"""The log of a take in the making, which is locked for as long as it is open.

The lock tells whether a take is still being written. It belongs to the open file, so the operating
system lets go of it when the process ends, however it ends: nothing stale is left. Where there are
no such locks (Windows), nothing is known.
"""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path
from typing import BinaryIO

from companion.system.errors import CompanionError, disk_message
from companion.take.events import EVENTS_FILE, Event, encode

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

CLOSE_LIMIT_S = 10.0


class EventLog:
    """`events.jsonl` in the making.

    The file is complete after every event. When the disk fails, writing stops for good and `error`
    says why: the music goes on. It does not wait for a slow disk either, where a thread of its own
    writes.

    *Threading*: any thread may call `write` and read `error`; a lock keeps the lines whole.
    """

    def __init__(self, folder: Path, threaded: bool = False) -> None:
        """Start the log.

        Args:
            folder: of the take.
            threaded: write in a thread of its own, `events`; else `write` does.

        Raises:
            CompanionError: the file cannot be made.
        """
        self.path = folder / EVENTS_FILE
        self.error: str | None = None
        self._lock = threading.Lock()
        try:
            self._file = self.path.open("xb", buffering=0)
        except OSError as error:
            raise CompanionError(disk_message(self.path, error)) from error
        lock(self._file)
        self._lines: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None
        if threaded:
            self._thread = threading.Thread(target=self._run, name="events", daemon=True)
            self._thread.start()

    def write(self, event: Event) -> None:
        """Append one event and hand it to the operating system, at once or in the thread."""
        line = f"{encode(event)}\n".encode()
        if self._thread is None:
            self._append(line)
        else:
            self._lines.put(line)

    def _run(self) -> None:
        for line in iter(self._lines.get, None):
            self._append(line)

    def _append(self, line: bytes) -> None:
        with self._lock:
            if self.error is not None or self._file.closed:
                return
            end = self._file.tell()
            try:
                if self._file.write(line) != len(line):
                    raise OSError(None, "no room for a whole line")
            except OSError as error:
                self.error = f"events are no longer kept: {disk_message(self.path, error)}"
                with contextlib.suppress(OSError):  # whole lines only
                    self._file.truncate(end)

    def close(self) -> None:
        """End the log, with all that was written; again does nothing.

        A disk that does not take it within 10 s does not keep anybody waiting.
        """
        if self._thread is not None:
            self._lines.put(None)
            self._thread.join(CLOSE_LIMIT_S)
            if self._thread.is_alive():
                silent = f"{self.path.name} is not whole: the disk does not answer"
                self.error = self.error or silent
                return
        with self._lock:
            self._file.close()


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
