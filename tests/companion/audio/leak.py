"""A room in which what the rig plays reaches its microphone."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from companion.audio.aligned_input import AlignedInput
from companion.audio.echo import EchoGuard
from companion.audio.memory import AudioMemory, Samples
from companion.audio.offline import OfflineStream
from companion.audio.timebase import OfflineTimebase
from companion.session.rig import Rig

RATE = 16_000
"""Of the impulse response, Hz."""


def room(seed: int, delay_s: float = 0.004) -> np.ndarray:
    """A loudspeaker without bass and treble, a way through the air, and a short room."""
    rng = np.random.default_rng(seed)
    tail = rng.standard_normal(round(0.04 * RATE)) * np.exp(-np.arange(round(0.04 * RATE)) / 120)
    path = np.zeros(round(delay_s * RATE) + len(tail))
    path[round(delay_s * RATE) :] = 0.15 * tail
    path[round(delay_s * RATE)] += 1.0
    spectrum = np.fft.rfft(path, 4096)
    hertz = np.fft.rfftfreq(4096, 1 / RATE)
    spectrum *= 1 / (1 + (80 / np.maximum(hertz, 1)) ** 2) / (1 + (hertz / 5000) ** 4)
    return np.fft.irfft(spectrum, 4096)[: round(0.055 * RATE)]


class LeakyStream(OfflineStream):
    """What comes out is heard again, a block and a room later."""

    def __init__(self, memory: AudioMemory, signal: Samples, path: Samples) -> None:
        """`path` is the impulse response from a block after the output to the input."""
        super().__init__(memory, signal, blocksize=len(path), record=True)
        self._path = path
        self._played = np.zeros(2 * len(path), np.float32)

    def _heard(self, position: int, frames: int) -> Samples:
        heard = np.zeros(frames, np.float32)
        signal = super()._heard(position, frames)
        heard[: len(signal)] = signal
        echo = np.convolve(self._played, self._path)[len(self._path) :]
        return heard + echo[:frames].astype(np.float32)

    def _process(self, frames: int) -> None:
        super()._process(frames)
        self._played = np.concatenate([self._played[frames:], self._out[:frames]])


@dataclass(frozen=True, slots=True)
class LeakyRig(Rig):
    """A rig whose guard is on or off, as a device's."""

    guarded: bool = False

    def echo_guard(self, on: object) -> EchoGuard:
        """See `Rig.echo_guard`."""
        return EchoGuard(self.performed, lambda: self.guarded)


def leaky_rig(players: int, signal: Samples, rate: int, path: Samples, guarded: bool) -> LeakyRig:
    """A rig on the offline clock in such a room, which knows its round trip, a block."""
    memory = AudioMemory(rate, players)
    stream = LeakyStream(memory, signal, path)
    performed = AlignedInput(memory, stream.blocksize)
    timebase = OfflineTimebase(stream)
    return LeakyRig(
        memory, stream, timebase, "signal", "room", performed=performed, guarded=guarded
    )
