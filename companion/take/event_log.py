"""The log of a take in the making."""

from __future__ import annotations

import contextlib
import queue
import threading
from pathlib import Path

from companion.system.errors import CompanionError, disk_message
from companion.take.events import EVENTS_FILE, Event, encode
from companion.take.lock import lock

CLOSE_LIMIT_S = 10.0


class EventLog:
    """`events.jsonl` in the making.

    The file is complete after every event, and locked until `close`, so that others can tell that
    the take goes on. When the disk fails, writing stops for good and `error` says why: the music
    goes on. It does not wait for a slow disk either, where a thread of its own writes.

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
