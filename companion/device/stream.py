"""The duplex stream: a sound device that calls the compiled callback.

*Threading*: one thread opens, starts and closes a stream; any thread may ask whether it is
running. The callback runs in PortAudio's own thread and never takes the interpreter lock. Stopping
and closing happen in a throw-away thread each, because PortAudio may never return from them once
the device is gone.
"""

from __future__ import annotations

import atexit
import contextlib
import threading
import time
from collections.abc import Callable
from typing import Any

from companion.audio.bridge import Bridge, bridge_address
from companion.audio.callback import callback_address
from companion.audio.format import BLOCK_SAMPLES
from companion.audio.lease import Addressed, Lease, Slots
from companion.device.devices import DuplexDevice, portaudio
from companion.system.errors import CompanionError

FIRST_BLOCK_LIMIT_S = 5.0
RELEASE_LIMIT_S = 2.0

# Streams PortAudio never let go of: it may still call into their memory, so neither may be freed.
_abandoned: list[object] = []


class DuplexStream:
    """An open duplex stream, which moves one memory while its lease is open.

    Args:
        port: the open PortAudio stream.
        device: what it was opened on.
        lease: by which its callback moves the memory; kept as long as the stream.

    Attributes:
        latency_s: of input and output, with our own, seconds.
    """

    def __init__(self, port: Any, device: DuplexDevice, lease: Lease) -> None:
        self.device, self.lease = device, lease
        added_s = lease.latency_s
        self.latency_s = port.latency[0] + added_s[0], port.latency[1] + added_s[1]
        self._port = port
        self._started = False

    @property
    def running(self) -> bool:
        """Whether the sound system itself still thinks it runs, if it knows."""
        port = self._port
        return port is not None and bool(getattr(port, "active", True))

    def start(self) -> None:
        """Let the device run; returns when its blocks come.

        Raises:
            CompanionError: the device does not start, or the stream is closed.
        """
        if self._port is None:
            raise CompanionError(f"the stream on {self.device.name} is closed; open a new one")
        calls = self.lease.calls
        try:
            self._port.start()
        except Exception as error:  # PortAudio's own error class is not to be imported here
            raise CompanionError(f"cannot start {self.device.name}: {error}") from error
        self._started = True
        deadline_s = time.monotonic() + FIRST_BLOCK_LIMIT_S
        while self.lease.calls == calls:
            if time.monotonic() > deadline_s:
                raise CompanionError(
                    f"{self.device.name} was started but gave no sound for {FIRST_BLOCK_LIMIT_S} s"
                )
            time.sleep(0.002)

    def close(self) -> None:
        """Stop it and let go of the device. Does nothing if it is closed."""
        port, self._port = self._port, None
        if port is None:
            return
        released = not self._started or within(RELEASE_LIMIT_S, port.stop)
        self.lease.close()
        if not (released and within(RELEASE_LIMIT_S, port.close)):
            # PortAudio does not give it back: it and its memory are left as they are, and the
            # clean-up at the end of the process would wait for it for ever.
            _abandoned.append((port, self.lease))
            atexit.unregister(portaudio()._exit_handler)


def open_duplex(
    device: DuplexDevice,
    memory: Addressed,
    blocksize: int = BLOCK_SAMPLES,
    memory_rate: int | None = None,
    slots: Slots | None = None,
) -> DuplexStream:
    """Open a stream on a device; it is not started yet. Compiles the callback if need be.

    Args:
        device: as ``choose_duplex`` gives it.
        memory: what it is to move.
        blocksize: frames a call of the callback, at most the memory's ``max_block_samples``.
        memory_rate: what the memory was made for, if not for the device's rate.
        slots: where to sign the lease; by default its own.

    Raises:
        CompanionError: the device does not open with these settings.
    """
    sd = portaudio()
    channels = device.input_channels, device.output_channels, device.click_channel
    address = callback_address()
    if memory_rate is None or memory_rate == device.rate:
        lease: Lease = Lease(memory, *channels, slots, host_clock=True)
    else:
        lease = Bridge(memory, memory_rate, device.rate, *channels, slots)
        address = bridge_address()
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
            callback=sd._ffi.cast("PaStreamCallback *", address),
            userdata=sd._ffi.cast("void *", lease.address),
        )
    except (sd.PortAudioError, ValueError) as error:
        raise CompanionError(
            f"cannot open {device.name} at {device.rate} Hz with {device.input_channels} in and "
            f"{device.output_channels} out: {error}"
        ) from error
    return DuplexStream(port, device, lease)


def within(limit_s: float, call: Callable[[], None]) -> bool:
    """Whether ``call`` came back in time, run in a thread that is left behind if it does not."""
    done = threading.Event()

    def run() -> None:
        with contextlib.suppress(Exception):  # the device may be gone: nothing left to release
            call()
        done.set()

    threading.Thread(target=run, name="audio-release", daemon=True).start()
    return done.wait(limit_s)
