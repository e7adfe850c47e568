"""A take in the making: its folder, recorder and event log as one thing.

*Threading*: `log` may be called from any thread; everything else by the one that owns the take.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from companion.take.events import Event, EventLog
from companion.take.recorder import TakeRecorder, Tape


class Take:
    """Opened at a sample of the stream, closed at another."""

    def __init__(self, folder: Path, voices: Mapping[str, int], threaded: bool) -> None:
        """Nothing is recorded yet.

        Args:
            folder: an existing take folder.
            voices: player name to voice number.
            threaded: record in a thread of its own; else `tick` records.

        Raises:
            CompanionError: the log cannot be made.
        """
        self.folder = folder
        self._voices, self._threaded = dict(voices), threaded
        self._events = EventLog(folder)
        self._recorder: TakeRecorder | None = None
        self._rate, self._start = 1, 0

    @property
    def open(self) -> bool:
        """Whether it has begun."""
        return self._recorder is not None

    @property
    def error(self) -> str | None:
        """Why it is no longer kept, one line; None while it is."""
        return (self._recorder and self._recorder.error) or self._events.error

    def begin(self, tape: Tape, rate: int, start_samples: int) -> None:
        """Record from a sample of the stream on; CompanionError if a file cannot be made."""
        self._rate, self._start = rate, start_samples
        self._recorder = TakeRecorder(self.folder, tape, self._voices, rate, start_samples)
        if self._threaded:
            self._recorder.start()

    def seconds(self, sample: int) -> float:
        """Where a sample of the stream lies in the take's files."""
        return (sample - self._start) / self._rate

    def log(self, event: Event) -> None:
        """Append an event."""
        self._events.write(event)

    def tick(self) -> None:
        """Record what the stream has finished with, where no thread does."""
        if self._recorder is not None and not self._threaded:
            self._recorder.drain()

    def finish(self, end_samples: int) -> None:
        """Record up to a sample of the stream."""
        if self._recorder is not None:
            self._recorder.finish(end_samples)

    def close(self) -> None:
        """Close the log; again does nothing."""
        self._events.close()
