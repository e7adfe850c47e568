"""`companion recover`: whatever a crash left of a take becomes a valid take.

Nothing that was recorded is thrown away but for the last moment that not every file has, and half
a line of the log.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from companion.system.errors import CompanionError, disk_message
from companion.take.event_log import lock
from companion.take.events import EVENTS_FILE, Event, TakeEnded, decode, encode, start_of
from companion.take.picture import draw_take
from companion.take.recorder import ECHO_NAME, INPUT_NAME, STEREO_NAME, channels_of
from companion.take.wave_file import set_frames, whole_frames

END_REASON = "recovered: the process ended in the middle of the take"
UNEVEN_S = 2.0
"""Files that end this close to each other are cut to one length: the recorder was at work on them.
One that ends earlier gets silence instead, so that the others keep what they have."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """What became of a take."""

    seconds: float  # length of every file now
    changes: tuple[str, ...]  # what was done, a line each; empty if nothing had to be
    picture: Path | None  # `take.png`; None if it was not wanted, or there is nothing to draw


def recover(folder: Path, picture: bool = True) -> Recovered:
    """Mend the files, cut them to one length, end the log, draw the picture if wanted.

    Again does nothing more. CompanionError if the take is still being written, the folder holds
    none, or the disk fails.
    """
    path = folder / EVENTS_FILE
    try:
        with path.open("r+b") as file:
            if not lock(file):
                raise CompanionError(
                    f"take {str(folder)!r} is still being written; valid: one whose jam has ended"
                )
            return _recover(folder, file, picture)
    except OSError as error:
        if not path.exists():
            raise CompanionError(
                f"{str(folder)!r} holds no {EVENTS_FILE}; valid: a take's folder"
            ) from error
        raise CompanionError(disk_message(folder, error)) from error


def _recover(folder: Path, log: BinaryIO, picture: bool) -> Recovered:
    events, changes = _mend_log(folder, log)
    if (begun := start_of(events)) is None:
        raise CompanionError(
            f"take {str(folder)!r} ended before its first event: there is nothing to recover; "
            "valid: a take's folder"
        )
    rate = begun.rate
    stereo = [STEREO_NAME] if (folder / f"{STEREO_NAME}.wav").exists() else []
    frames, mended = _mend_audio(folder, [INPUT_NAME, *stereo, *begun.players], rate)
    changes += mended
    if (echo := folder / f"{ECHO_NAME}.wav").exists():
        changes += _set_length(echo, whole_frames(echo), frames, rate)
    if not any(isinstance(event, TakeEnded) for event in events):
        bar = max(event.bar for event in events)
        end = TakeEnded(bar=bar, time_s=frames / rate, reason=END_REASON, figures={})
        log.seek(0, os.SEEK_END)
        log.write(f"{encode(end)}\n".encode())
        log.flush()
        changes.append(f"the log got an end, in bar {bar}")
    drawn = draw_take(folder) if frames and picture else None
    return Recovered(frames / rate, tuple(changes), drawn)


def _mend_log(folder: Path, log: BinaryIO) -> tuple[list[Event], list[str]]:
    """The events that are whole; lines that are not are taken out of the file."""
    lines = log.read().splitlines(keepends=True)
    good: list[bytes] = []
    events: list[Event] = []
    for line in lines:
        try:
            event = decode(line, EVENTS_FILE)
        except CompanionError:
            continue
        events += [] if event is None else [event]  # one that is not known here stays in the file
        good.append(line if line.endswith(b"\n") else line + b"\n")
    if good == lines:
        return events, []
    # In place: the lock is on this very file, and what is kept is only ever moved forward.
    log.seek(0)
    log.write(b"".join(good))
    log.truncate()
    log.flush()
    lost = len(lines) - len(good)
    return events, [f"{EVENTS_FILE}: {lost} broken line{'s' * (lost != 1)} dropped"]


def _mend_audio(folder: Path, names: list[str], rate: int) -> tuple[int, list[str]]:
    """Samples of every file afterwards, and what was done to which."""
    paths = [folder / f"{name}.wav" for name in names]
    found = {path: whole_frames(path) if path.exists() else None for path in paths}
    longest = max(frames or 0 for frames in found.values())
    near = [f for f in found.values() if f is not None and longest - f <= UNEVEN_S * rate]
    frames = min(near)
    return frames, [each for file in found.items() for each in _set_length(*file, frames, rate)]


def _set_length(path: Path, had: int | None, frames: int, rate: int) -> list[str]:
    """Make a file so long; what was done to it."""
    set_frames(path, rate, frames, channels_of(path.stem))
    if had is None or had < frames:
        return [f"{path.name}: {(frames - (had or 0)) / rate:.2f} s of silence put at its end"]
    if had > frames:
        return [f"{path.name}: the last {(had - frames) / rate:.2f} s cut off"]
    return []
