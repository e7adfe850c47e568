"""The duplex stream: a sound device that calls the compiled callback.

*Threading*: one thread opens, starts, stops and closes a stream; any thread may ask whether it is
active. The callback runs in PortAudio's own thread and never takes the interpreter lock. Stopping
and closing happen in a throw-away thread each, because PortAudio may never return from them once
the device is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Protocol, Self

from companion.audio.callback import callback_address
from companion.audio.devices import DuplexDevice, portaudio
from companion.audio.memory import AudioMemory
from companion.audio.watch import BlockWatch
from companion.errors import CompanionError

BLOCK_SAMPLES = 256
FIRST_BLOCK_LIMIT_S = 5.0
RELEASE_LIMIT_S = 2.0

# Streams PortAudio never let go of: it may still call into their memory, so neither may be freed.
_abandoned: list[object] = []


class PortStream(Protocol):
    """What is needed of a PortAudio stream; ``sounddevice``'s streams fit."""

    @property
    def latency(self) -> tuple[float, float]:
        """Input and output latency, seconds."""

    def start(self) -> None:
        """Begin to call the callback."""

    def stop(self) -> None:
        """Play what is pending and stop."""

    def close(self) -> None:
        """Let go of the device."""


class DuplexStream:
    """A started or stopped duplex stream on one memory; close it, or use it as a context.

    Args:
        port: the open PortAudio stream.
        device: what it was opened on.
        memory: what its callback works on.
    """

    def __init__(self, port: PortStream, device: DuplexDevice, memory: AudioMemory) -> None:
        self.device = device
        self.memory = memory
        self.latency_s: tuple[float, float] = port.latency
        self._port: PortStream | None = port
        self._watch: BlockWatch | None = None

    @property
    def rate(self) -> int:
        """Sample rate, Hz."""
        return self.device.rate

    @property
    def active(self) -> bool:
        """Whether it was started and its blocks keep coming."""
        return self._watch is not None and not self._watch.stalled

    def start(self) -> None:
        """Start it; returns when the first block has run. Does nothing if it is started.

        Raises:
            CompanionError: the device does not start, or the stream is closed.
        """
        if self._watch is not None:
            return
        if self._port is None:
            raise CompanionError(f"the stream on {self.device.name} is closed; open a new one")
        blocks = self.memory.blocks
        try:
            self._port.start()
        except Exception as error:  # PortAudio's own error class is not to be imported here
            raise CompanionError(f"cannot start {self.device.name}: {error}") from error
        self._watch = BlockWatch(self.memory)
        while self.memory.blocks == blocks:
            if self._watch.still_s > FIRST_BLOCK_LIMIT_S:
                self.stop()
                raise CompanionError(
                    f"{self.device.name} was started but gave no sound for {FIRST_BLOCK_LIMIT_S} s"
                )
            time.sleep(0.002)

    def stop(self) -> None:
        """Stop it; ``start`` goes on from the same position. Does nothing if it is stopped."""
        if self._watch is not None and self._port is not None:
            self._watch = None
            if _within(RELEASE_LIMIT_S, self._port.stop):
                self.memory.set_channels(self.device.input_channels, self.device.output_channels)
            else:
                self._abandon()

    def close(self) -> None:
        """Stop it and let go of the device. Does nothing if it is closed."""
        self.stop()
        if self._port is not None:
            if _within(RELEASE_LIMIT_S, self._port.close):
                self._port = None
            else:
                self._abandon()

    def _abandon(self) -> None:
        """Leave a stream that PortAudio does not give back, and its memory, as they are."""
        _abandoned.append((self._port, self.memory))
        self._port = None
        # PortAudio's clean-up at the end of the process would wait for the stream for ever.
        atexit.unregister(portaudio()._exit_handler)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_duplex(
    device: DuplexDevice, memory: AudioMemory, blocksize: int = BLOCK_SAMPLES
) -> DuplexStream:
    """Open a stream on a device; it is not started yet. Compiles the callback if need be.

    Args:
        device: as ``choose_duplex`` gives it.
        memory: made for the device's rate.
        blocksize: frames a call of the callback, at most ``memory.max_block_samples``.

    Raises:
        CompanionError: the device does not open with these settings.
    """
    if memory.rate != device.rate:
        raise ValueError(f"memory made for {memory.rate} Hz, device runs at {device.rate} Hz")
    if not 1 <= blocksize <= memory.max_block_samples:
        raise ValueError(
            f"blocksize {blocksize} is not valid; it must be 1..{memory.max_block_samples}"
        )
    memory.set_channels(device.input_channels, device.output_channels)
    sd = portaudio()
    try:
        # The public Stream class only takes Python callbacks, which wait for the interpreter
        # lock; this base class is the one that takes an address.
        port = sd._StreamBase(
            kind="duplex",
            samplerate=device.rate,
            blocksize=blocksize,
            device=(device.input.index, device.output.index),
            channels=(device.input_channels, device.output_channels),
            dtype="float32",
            latency="low",
            callback=sd._ffi.cast("PaStreamCallback *", callback_address()),
            userdata=sd._ffi.cast("void *", memory.address),
        )
    except (sd.PortAudioError, ValueError) as error:
        raise CompanionError(
            f"cannot open {device.name} at {device.rate} Hz with {device.input_channels} in and "
            f"{device.output_channels} out: {error}"
        ) from error
    return DuplexStream(port, device, memory)


def _within(limit_s: float, call: Callable[[], None]) -> bool:
    """Whether ``call`` came back in time, run in a thread that is left behind if it does not."""
    done = threading.Event()

    def run() -> None:
        with contextlib.suppress(Exception):  # the device may be gone: nothing left to release
            call()
        done.set()

    threading.Thread(target=run, name="audio-release", daemon=True).start()
    return done.wait(limit_s)
