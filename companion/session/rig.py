"""What a session plays on: audio memory, a stream that moves it, and the clock to wait on.

Three kinds of rig share everything but the stream: a sound device; a recording at real speed where
there is no device; a recording as fast as it goes. Real devices are opened here only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import soxr

from companion.audio.aligned_input import AlignedInput
from companion.audio.echo import EchoGuard
from companion.audio.format import BLOCK_SAMPLES
from companion.audio.memory import AudioMemory, Samples
from companion.audio.offline import OfflineStream, PacedStream
from companion.audio.recording import Recording, read_sound
from companion.audio.silence import SILENCE_DBFS, is_silent
from companion.audio.timebase import OfflineTimebase, StreamTimebase, Timebase
from companion.device.event import Losable
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from companion.system.errors import CompanionError
from model.grid import FRAME_RATE

OFFLINE_RATE = 48_000
"""Device rate of a recording whose own rate no sound device would have."""
LEAST_RATE, MOST_RATE = 8_000, 192_000


class Stream(Protocol):
    """What moves the memory: a device, or a recording."""

    def start(self) -> None:
        """Begin; returns when the first block has run."""
        ...

    def close(self) -> None:
        """End for good."""
        ...


@dataclass(frozen=True, slots=True)
class Rig:
    """Memory, stream and clock of one session."""

    memory: AudioMemory
    stream: Stream
    timebase: Timebase
    input: str  # what it is called in the take
    output: str  # likewise
    # the time that goes with the stream: monotonic, but for a recording as fast as it goes that of
    # the recording
    seconds: Callable[[], float] = time.monotonic
    # the input, in time with what is played; by default there is no round trip
    performed: AlignedInput = field(default=None)  # type: ignore[assignment]

    def __post_init__(self) -> None:
        if self.performed is None:
            object.__setattr__(self, "performed", AlignedInput(self.memory))

    def echo_guard(self, on: Callable[[], bool]) -> EchoGuard | None:
        """Who takes away stems that leak into the input, while `on()`.

        None for a recording: nothing leaks into that.
        """
        if self.supervisor is None:
            return None
        return EchoGuard(self.performed, on)

    def look(self) -> tuple[float, int]:
        """The stream's position, and when it is heard in the time of `seconds`."""
        position = self.memory.position
        if self.supervisor is None:
            return self.seconds(), position
        return self.supervisor.sounds_s(position), position

    @property
    def supervisor(self) -> Supervisor | None:
        """Who replaces a lost device; None where there is none to lose."""
        return self.stream if isinstance(self.stream, Supervisor) else None

    @property
    def losable(self) -> Losable | None:
        """The stream, where its device may be lost."""
        return self.stream if isinstance(self.stream, Losable) else None

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self.memory.rate


def open_device(players: int, wanted: Wanted, blocksize: int = BLOCK_SAMPLES) -> Rig:
    """A rig on a sound device, not started yet; it goes on when the device is lost.

    Raises:
        NoDevice: there is none.
        CompanionError: what was asked for is not there, or does not open.
    """
    stream = Supervisor(players, wanted, blocksize)
    names = stream.device.input.name, stream.device.output.name
    timebase = StreamTimebase(stream.memory)
    return Rig(stream.memory, stream, timebase, *names, performed=stream.performed)


def play_recording(
    players: int, signal: Samples, rate: int, name: str, stereo: Samples | None = None
) -> Rig:
    """A rig into which a recording plays at real speed.

    Args:
        players: number of players.
        signal: what is listened to, mono float32 [n] at a device rate.
        rate: Hz.
        name: what it is called in the take.
        stereo: the two channels it was made of, float32 [n, 2], where a take is to keep them.
    """
    memory = AudioMemory(rate, players, stereo=stereo is not None)
    stream = PacedStream(memory, signal, stereo=stereo)
    return Rig(memory, stream, StreamTimebase(memory), name, "no sound device")


def run_recording(
    players: int, signal: Samples, rate: int, name: str, stereo: Samples | None = None
) -> Rig:
    """Play along a recording offline, as fast as it goes; `stream.output` has what came out."""
    memory = AudioMemory(rate, players, stereo=stereo is not None)
    stream = OfflineStream(memory, signal, record=True, stereo=stereo)
    seconds = lambda: memory.position / rate  # noqa: E731
    return Rig(memory, stream, OfflineTimebase(stream), name, "offline", seconds)


def read_recording(path: Path) -> Recording:
    """A recording at a device rate.

    Raises:
        CompanionError: it is missing, no audio, empty, silent or not finite.
    """
    read = read_sound(path)
    if is_silent(read.heard):
        raise CompanionError(
            f"recording {path} is silent; valid: music above {SILENCE_DBFS:g} dBFS"
        )
    heard, rate = to_device_rate(read.heard, read.rate)
    channels, _ = to_device_rate(read.channels, read.rate)
    return Recording(channels, heard, rate, read.late_samples * rate / read.rate)


def to_device_rate(sound: Samples, rate: int) -> tuple[Samples, int]:
    """Sound as it is if its rate is a multiple of 50 Hz from 8 to 192 kHz, else at 48 kHz.

    It is [samples] or [samples, channels].
    """
    if rate % FRAME_RATE == 0 and LEAST_RATE <= rate <= MOST_RATE:
        return sound, rate
    return soxr.resample(sound, rate, OFFLINE_RATE, quality="HQ"), OFFLINE_RATE
