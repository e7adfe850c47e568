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
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import numpy as np

from companion.audio.aligned_input import AlignedInput
from companion.audio.echo import EchoGuard
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
        tape: AlignedInput,
        voices: Mapping[str, int],
        rate: int,
        start_samples: int,
        echo: EchoGuard | None = None,
    ) -> None:
        """Make the (empty) files, but that of the echo.

        Args:
            folder: an existing take folder.
            tape: where the audio is read, two channels of the input too if it has them.
            voices: player name to voice number.
            rate: stream samples a second.
            start_samples: the stream sample that becomes the first of every file.
            echo: what is taken out of the input, if anything may be.

        Raises:
            CompanionError: a player's name cannot name a file, or a file cannot be made.
        """
        self._tape = tape
        self._rate = rate
        self._start = start_samples
        self._next = start_samples
        sources: dict[str, _Source] = {INPUT_NAME: tape.capture}
        if tape.stereo:
            sources[STEREO_NAME] = tape.capture_stereo
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
            pieces = [(file, _read(source, self._next, count)) for file, source in self._files]
            for file, samples in pieces:
                with self._written(file.path):
                    silence = np.zeros((count, file.channels), np.float32)
                    file.append(silence if samples is None else samples)
                if self.error is not None:
                    return
            self.lost_samples += count if any(samples is None for _, samples in pieces) else 0
            self._next += count
        # The echo lags where its thread does; the other files do not wait for it.
        end = self._next if self._echo is None else min(self._next, self._echo.position)
        while self._echo is not None and self._echo_next < end and self.error is None:
            count = min(piece, end - self._echo_next)
            with self._written(self._echo_path):
                self._append_echo(_read(self._echo.echo, self._echo_next, count), count)
            self._echo_next += count

    def _append_echo(self, echo: np.ndarray | None, count: int) -> None:
        """The file is made with the first echo, and keeps silence as nothing where it can."""
        sounds = echo is not None and echo.any()
        if self._echo_file is None and sounds:
            file = WaveWriter(self._echo_path, self._rate)
            try:
                file.append_silence(self._echo_next - self._start)
            except OSError:
                self._echo_path.unlink()
                raise
            self._echo_file = file
        if self._echo_file is not None and echo is not None and sounds:
            self._echo_file.append(echo)
        elif self._echo_file is not None:
            self._echo_file.append_silence(count)

    @contextmanager
    def _written(self, path: Path) -> Iterator[None]:
        """A disk that fails ends the recording."""
        try:
            yield
        except OSError as error:
            self.error = f"recording has stopped: {disk_message(path, error)}"


def _read(source: _Source, start: int, count: int) -> np.ndarray | None:
    try:
        return source(start, count)
    except CompanionError:  # long gone
        return None
