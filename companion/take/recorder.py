"""The take's audio: the input and every player, written while the jam goes on.

The input is kept as it is listened to, and where it has two channels, as these as well.

What the players heard is the input, less what was taken out of it: that has a file as well, once
there is any, which may lag behind the others.

All files start at the same sample of the stream; the others grow together. Each is valid at every
moment (see `wave_file`): a process that is killed leaves files that any program can open, which
end at most half a second before it did.

Threading: `start` runs a thread that calls `drain` until `finish`; without `start` (the offline
clock) whoever advances the stream calls `drain` after each advance. `drain` and `finish` belong to
that one thread of the caller; `error`, `seconds` and `lost_samples` may be read from any thread.
The audio callback is never waited for, nor does it ever wait.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Protocol

import numpy as np

from companion.system.errors import CompanionError, disk_message
from companion.take.wave_file import WaveWriter

INPUT_NAME = "input"
STEREO_NAME = "input-stereo"
ECHO_NAME = "echo"
_OWN = (INPUT_NAME, STEREO_NAME, ECHO_NAME)
_PERIOD_S = 0.25  # between two visits of the thread, and the least that one writes
_MARGIN_S = 0.1  # stay this far behind the callback: its counter and audio are not fenced
_PIECE_S = 1.0  # the longest piece read and written at once
_JOIN_S = 5.0  # how long `finish` waits for a disk that hangs


class Tape(Protocol):
    """What the recorder reads: `companion.audio.memory.AudioMemory`."""

    @property
    def position(self) -> int:
        """Stream samples the callback has been through."""
        ...

    def capture(self, start: int, n: int, /) -> np.ndarray:
        """The input as float32 `[n]`; CompanionError when the ring has moved on."""
        ...

    def played(self, voice: int, start: int, n: int, /) -> np.ndarray:
        """What a voice really sounded, float32 `[n]`; CompanionError as above."""
        ...


class StereoTape(Protocol):
    """The input's two channels: `companion.audio.aligned_input.AlignedInput`."""

    def capture_stereo(self, start: int, n: int, /) -> np.ndarray:
        """The input as float32 `[n, 2]`; CompanionError when the ring has moved on."""
        ...


class EchoTape(Protocol):
    """What was taken out of the input: `companion.audio.echo.EchoGuard`."""

    @property
    def position(self) -> int:
        """Stream samples of which it is known."""
        ...

    def echo(self, start: int, n: int, /) -> np.ndarray:
        """It, float32 `[n]`; CompanionError when it is not kept."""
        ...


_Source = Callable[[int, int], np.ndarray]
"""Frames of one file, from a stream sample on; CompanionError when they are gone."""


def channels_of(name: str) -> int:
    """Of a take's file, by its name without the ending."""
    return 2 if name == STEREO_NAME else 1


class TakeRecorder:
    """Writes the WAV files of a take folder.

    They are `input.wav`, `input-stereo.wav`, one `<player>.wav` each and `echo.wav`.
    """

    def __init__(
        self,
        folder: Path,
        tape: Tape,
        voices: Mapping[str, int],
        rate: int,
        start_samples: int,
        echo: EchoTape | None = None,
        stereo: StereoTape | None = None,
    ) -> None:
        """Make the (empty) files, but that of the echo.

        Args:
            folder: an existing take folder.
            tape: where the audio is read.
            voices: player name to voice number.
            rate: stream samples a second.
            start_samples: the stream sample that becomes the first of every file.
            echo: what is taken out of the input, if anything may be.
            stereo: the input's two channels, if it has them.

        Raises:
            CompanionError: a player's name cannot name a file, or a file cannot be made.
        """
        self._tape = tape
        self._rate = rate
        self._start = start_samples
        self._next = start_samples
        sources: dict[str, _Source] = {INPUT_NAME: tape.capture}
        if stereo is not None:
            sources[STEREO_NAME] = stereo.capture_stereo
        for name, voice in voices.items():
            if name in _OWN or not re.fullmatch(r"[\w-]+", name):
                raise CompanionError(
                    f"player name {name!r} cannot name a file of the take; valid: letters, "
                    f"digits, _ and -, and not {', '.join(map(repr, _OWN))}"
                )
            sources[name] = partial(tape.played, voice)
        self._files: list[tuple[WaveWriter, _Source]] = []
        for name, source in sources.items():
            path = folder / f"{name}.wav"
            try:
                self._files.append((WaveWriter(path, rate, channels_of(name)), source))
            except OSError as error:
                raise CompanionError(disk_message(path, error)) from error
        self._echo, self._echo_next = echo, start_samples
        self._echo_path = folder / f"{ECHO_NAME}.wav"
        self._echo_file: WaveWriter | None = None
        self.error: str | None = None
        self.lost_samples = 0  # the ring had moved on: silence stands in their place
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def seconds(self) -> float:
        """Length of the input's file, and the players', so far."""
        return (self._next - self._start) / self._rate

    def start(self) -> None:
        """Record in a thread of its own from here on."""
        self._thread = threading.Thread(target=self._run, name="take-recorder", daemon=True)
        self._thread.start()

    def drain(self) -> None:
        """Write what the stream has finished with, if it is worth a visit to the disk.

        After a disk error it does nothing.
        """
        end = self._tape.position - round(_MARGIN_S * self._rate)
        if end - self._next >= round(_PERIOD_S * self._rate):
            self._drain_to(end)

    def finish(self, end_samples: int) -> None:
        """Write up to stream sample `end_samples`, or as far as the stream got, and stop."""
        self._stop.set()
        if self._thread is not None:
            self._thread.join(_JOIN_S)
            if self._thread.is_alive():
                self.error = self.error or (
                    f"the disk did not answer for {_JOIN_S:g} s, the take ends at "
                    f"{self.seconds:.1f} s; valid: a disk that keeps up"
                )
                return
            self._thread = None
        self._drain_to(min(end_samples, self._tape.position))

    def _run(self) -> None:
        while not self._stop.wait(_PERIOD_S):
            self.drain()

    def _drain_to(self, end: int) -> None:
        piece = round(_PIECE_S * self._rate)
        while self._next < end and self.error is None:
            count = min(piece, end - self._next)
            pieces = [(file, self._read(source, count)) for file, source in self._files]
            lost = any(samples is None for _, samples in pieces)
            for file, samples in pieces:
                try:
                    if samples is None:
                        samples = np.zeros((count, file.channels), np.float32)
                    file.append(samples)
                except OSError as error:
                    self.error = f"recording has stopped: {disk_message(file.path, error)}"
                    return
            self.lost_samples += count if lost else 0
            self._next += count
        if self._echo is not None:
            self._drain_echo(self._echo, piece)

    def _drain_echo(self, echo: EchoTape, piece: int) -> None:
        """The echo lags where its thread does; the other files do not wait for it."""
        end = min(self._next, echo.position)
        while self._echo_next < end and self.error is None:
            count = min(piece, end - self._echo_next)
            try:
                self._append_echo(_read_echo(echo, self._echo_next, count))
            except OSError as error:
                self.error = f"recording has stopped: {disk_message(self._echo_path, error)}"
                return
            self._echo_next += count

    def _append_echo(self, echo: np.ndarray) -> None:
        """The file is made with the first echo, and keeps silence as nothing where it can."""
        if self._echo_file is None:
            if not echo.any():
                return
            file = WaveWriter(self._echo_path, self._rate)
            try:
                file.append_silence(self._echo_next - self._start)
            except OSError:
                self._echo_path.unlink()
                raise
            self._echo_file = file
        if echo.any():
            self._echo_file.append(echo)
        else:
            self._echo_file.append_silence(len(echo))

    def _read(self, source: _Source, count: int) -> np.ndarray | None:
        try:
            return source(self._next, count)
        except CompanionError:
            return None


def _read_echo(echo: EchoTape, start: int, count: int) -> np.ndarray:
    try:
        return echo.echo(start, count)
    except CompanionError:  # long gone
        return np.zeros(count, np.float32)
