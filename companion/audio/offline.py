"""Streams without a sound card: the fake twin of the duplex stream.

Both call the very same compiled callback as the sound card would, through its address, so what
they play is what a device would have played, to the bit.

*Threading*: ``OfflineStream`` runs the callback in the thread that calls ``advance``. A
``PacedStream`` runs it in a thread of its own, between ``start`` and ``stop``. One lock keeps two
threads from advancing the same stream at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from companion.audio.callback import callback_address
from companion.audio.format import BLOCK_SAMPLES
from companion.audio.lease import Lease
from companion.audio.machine import callable_at
from companion.audio.memory import AudioMemory, Samples


class OfflineStream:
    """Plays ``signal`` into the rig as fast as it is asked to.

    Args:
        memory: the rig's memory; its first free frame is where ``signal`` begins.
        signal: the input at the memory's rate, mono float32 [n]; silence follows.
        stereo: the two channels it was made of, float32 [n, 2], to be kept as well.
        blocksize: frames a call of the callback, at most ``memory.max_block_samples``.
        record: keep everything the rig puts out, for ``output``.
    """

    def __init__(
        self,
        memory: AudioMemory,
        signal: Samples,
        blocksize: int = BLOCK_SAMPLES,
        record: bool = False,
        stereo: Samples | None = None,
    ) -> None:
        if signal.ndim != 1:
            raise ValueError(f"signal must be mono [n], not {list(signal.shape)}")
        if stereo is not None and stereo.shape != (len(signal), 2):
            raise ValueError(f"stereo must be [{len(signal)}, 2], not {list(stereo.shape)}")
        if not 1 <= blocksize <= memory.max_block_samples:
            raise ValueError(
                f"blocksize {blocksize} is not valid; it must be 1..{memory.max_block_samples}"
            )
        self.memory, self.rate = memory, memory.rate
        self.blocksize = blocksize
        self._signal = np.ascontiguousarray(signal, np.float32)
        self._stereo = stereo
        self._first = memory.position
        inputs = 1 if stereo is None else 3
        self._in = np.zeros((blocksize, inputs), np.float32)
        self._out = np.zeros(blocksize, np.float32)
        self._times = np.zeros(3, np.float64)  # input, now, output: PaStreamCallbackTimeInfo
        self._recorded: list[Samples] | None = [] if record else None
        self._lock = threading.Lock()
        self._call = callable_at(callback_address())
        self._addresses = [a.ctypes.data for a in (self._in, self._out, self._times)]
        self._lease = Lease(memory, inputs, heard=1)
        self._lease.open()

    @property
    def output(self) -> Samples:
        """Everything put out since the stream was made, mono float32 [n].

        Raises:
            ValueError: the stream was not told to record.
        """
        if self._recorded is None:
            raise ValueError("this stream was opened without record=True")
        return np.concatenate([*self._recorded, np.zeros(0, np.float32)])

    def advance(self, to_sample: int) -> None:
        """Process frames until the memory's position is ``to_sample``; no-op if it is already."""
        with self._lock:
            while (left := to_sample - self.memory.position) > 0:
                self._process(min(left, self.blocksize))

    def _process(self, frames: int) -> None:
        position = self.memory.position
        heard = self._heard(position, frames)
        self._in[:frames] = 0
        self._in[: len(heard), 0] = heard
        if self._stereo is not None:
            both = self._stereo[position - self._first :][:frames]
            self._in[: len(both), 1:] = both
        self._times[:] = position / self.rate
        taken, given, times = self._addresses
        self._call(taken, given, frames, times, 0, self._lease.address)
        if self._recorded is not None:
            self._recorded.append(self._out[:frames].copy())

    def _heard(self, position: int, frames: int) -> Samples:
        """The input from a frame on; what is missing at its end is silence."""
        return self._signal[position - self._first :][:frames]

    def start(self) -> None:
        """Nothing to start: the caller advances the stream."""

    def close(self) -> None:
        """Move the memory no longer."""
        self._lease.close()


class PacedStream(OfflineStream):
    """An offline stream that advances by itself at the speed of the wall clock.

    It stands in for a sound card where there is none. When its thread was held up it catches up.

    Args:
        clock: monotonic seconds; handed in by tests, which call ``keep_up`` themselves.
    """

    def __init__(
        self,
        memory: AudioMemory,
        signal: Samples,
        blocksize: int = BLOCK_SAMPLES,
        clock: Callable[[], float] = time.monotonic,
        stereo: Samples | None = None,
    ) -> None:
        super().__init__(memory, signal, blocksize, stereo=stereo)
        self._clock = clock
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin to advance from the present position; returns when the first block has run."""
        if self._thread is None:
            blocks = self.memory.blocks
            self.start_on(self.memory.position - self._clock() * self.rate)
            while self.memory.blocks == blocks:
                time.sleep(self.blocksize / self.rate)

    def start_on(self, line: float) -> None:
        """Begin to advance on a line, which is as ``StreamLine.ahead_samples``."""
        self._stop.clear()
        self._thread = threading.Thread(
            target=self._run, args=(line,), name="paced-audio", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Stand still; ``start`` goes on from here."""
        if self._thread is not None:
            self._stop.set()
            self._thread.join()
            self._thread = None

    def close(self) -> None:
        """Stop for good."""
        self.stop()
        super().close()

    def keep_up(self, line: float) -> float:
        """Process every whole block that is due on a line; seconds until the next one is."""
        now = self._clock() * self.rate + line
        due = int(now)
        self.advance(due - (due - self.memory.position) % self.blocksize)
        return (self.memory.position + self.blocksize - now) / self.rate

    def _run(self, line: float) -> None:
        while not self._stop.wait(max(0.0, self.keep_up(line))):
            pass
