"""A take in the making: its folder, recorder and event log as one thing.

*Threading*: `log` may be called from any thread, `error` read from any; everything else belongs to
the one that owns the take.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from companion.system.errors import CompanionError, disk_message
from companion.take.event_log import EventLog
from companion.take.events import Event
from companion.take.provenance import Provenance
from companion.take.recorder import EchoTape, StereoTape, TakeRecorder, Tape


class Take:
    """Begun at a sample of the stream, finished at another, then closed."""

    def __init__(
        self,
        folder: Path,
        voices: Mapping[str, int],
        threaded: bool,
        origin: Provenance = Provenance(),  # noqa: B008 (frozen)
    ) -> None:
        """Nothing is recorded yet.

        Args:
            folder: an existing take folder.
            voices: player name to voice number.
            threaded: record and log in threads of their own; else `tick` and `log` do.
            origin: what decides its stems beside the preset.

        Raises:
            CompanionError: the log cannot be made.
        """
        self.folder, self.origin = folder, origin
        self._voices, self._threaded = dict(voices), threaded
        self._events = EventLog(folder, threaded)
        self._recorder: TakeRecorder | None = None

    @property
    def begun(self) -> bool:
        """Whether there is anything in it."""
        return self._recorder is not None

    @property
    def error(self) -> str | None:
        """Why it is no longer kept, one line; None while it is."""
        return (self._recorder and self._recorder.error) or self._events.error

    @property
    def lost_samples(self) -> int:
        """Samples that came too late to be recorded: silence stands in their place."""
        return self._recorder.lost_samples if self._recorder is not None else 0

    def begin(
        self,
        tape: Tape,
        rate: int,
        start_samples: int,
        echo: EchoTape | None = None,
        stereo: StereoTape | None = None,
    ) -> None:
        """Record from a sample of the stream on; CompanionError if a file cannot be made."""
        where = rate, start_samples
        self._recorder = TakeRecorder(self.folder, tape, self._voices, *where, echo, stereo)
        if self._threaded:
            self._recorder.start()

    def keep(self, name: str, text: str) -> None:
        """Write a file beside the others; CompanionError if that fails."""
        path = self.folder / name
        try:
            path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise CompanionError(disk_message(path, error)) from error

    def log(self, event: Event) -> None:
        """Append an event."""
        self._events.write(event)

    def tick(self) -> None:
        """Record what the stream has finished with, where no thread does."""
        if self._recorder is not None and not self._threaded:
            self._recorder.drain()

    def finish(self, end_samples: int) -> None:
        """Record up to a sample of the stream; events may still follow."""
        if self._recorder is not None:
            self._recorder.finish(end_samples)

    def close(self) -> None:
        """Close the log; again does nothing. A take that never began leaves no folder behind."""
        self._events.close()
        if not self.begun:
            with contextlib.suppress(OSError):  # gone already, or not empty
                self._events.path.unlink()
                self.folder.rmdir()
