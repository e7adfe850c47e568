"""A take in the making: its folder, where it comes from, recorder and event log as one thing.

*Threading*: `log` may be called from any thread, `error` read from any; everything else belongs to
the one that owns the take.
"""

from __future__ import annotations

import contextlib
import itertools
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from companion.audio.aligned_input import AlignedInput
from companion.audio.echo import EchoGuard
from companion.system.errors import CompanionError, disk_message
from companion.take.event_log import EventLog
from companion.take.events import Event
from companion.take.recorder import TakeRecorder

PRESET_FILE = "preset.yaml"


@dataclass(frozen=True, slots=True)
class Provenance:
    """What decides a take's stems beside the preset, the input and the knobs."""

    version: str = ""  # of the companion
    weights: str = ""  # digest of the generator's weights; empty if it has none
    continues: str = ""  # name of the take that this one goes on from; empty for none
    bars_before: int = 0  # bars of the set that were played in that one


def make_take_folder(parent: Path, now: datetime) -> Path:
    """Make and return `parent/YYYYMMDD-HHMMSS`, or `…-2`, `…-3` when that second is taken.

    CompanionError if the folder cannot be made.
    """
    stem = now.strftime("%Y%m%d-%H%M%S")
    try:
        parent.mkdir(parents=True, exist_ok=True)
        for number in itertools.count(1):
            folder = parent / (stem if number == 1 else f"{stem}-{number}")
            with contextlib.suppress(FileExistsError):
                folder.mkdir()
                break
    except OSError as error:
        raise CompanionError(disk_message(parent, error)) from error
    return folder


class Take:
    """Begun at a sample of the stream, finished at another, then closed."""

    def __init__(
        self,
        folder: Path,
        voices: Mapping[str, int],
        threaded: bool,
        origin: Provenance = Provenance(),
    ) -> None:
        """Nothing is recorded yet.

        Args:
            folder: an existing take folder.
            voices: player name to voice number.
            threaded: record and log in threads of their own; else `tick` and `log` do.
            origin: where it comes from.

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
        self, tape: AlignedInput, rate: int, start_samples: int, echo: EchoGuard | None = None
    ) -> None:
        """Record from a sample of the stream on; CompanionError if a file cannot be made."""
        self._recorder = TakeRecorder(self.folder, tape, self._voices, rate, start_samples, echo)
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
