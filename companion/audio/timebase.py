"""Waiting for a sample of the stream: one loop for the live and the offline clock.

*Threading*: a ``StreamTimebase`` may be waited on from any thread, but each thread needs its own.
An ``OfflineTimebase`` runs the audio callback in the thread that waits.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from companion.audio.block_watch import BlockWatch
from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.system.errors import CompanionError

STANDSTILL_LIMIT_S = 5.0  # a device that is gone is replaced long before
POLL_S = 0.005  # about a block; the wait ends at most this long after the sample


class Timebase(ABC):
    """The stream's sample counter as the only clock.

    Args:
        memory: whose counter it is.
        stop: when set, waiting ends at once wherever the counter is.
    """

    def __init__(self, memory: AudioMemory, stop: threading.Event | None = None) -> None:
        self._memory = memory
        self._stop = stop or threading.Event()

    @property
    def rate(self) -> int:
        """Samples a second."""
        return self._memory.rate

    def now_samples(self) -> int:
        """The next absolute frame to be processed."""
        return self._memory.position

    def wait_until(self, sample: int) -> int:
        """Let the stream reach ``sample``; returns the position then, less if stopped.

        Raises:
            CompanionError: the stream is live and no block has come for more than 5 s.
        """
        while (now := self.now_samples()) < sample and not self._stop.is_set():
            self._pass(sample - now)
        return now

    @abstractmethod
    def _pass(self, samples: int) -> None:
        """Let at most ``samples`` frames go by, or a little while."""


class StreamTimebase(Timebase):
    """For a stream that moves by itself: sleeps and looks.

    Args:
        memory: whose counter it is.
        stop: when set, waiting ends at once.
        clock: monotonic seconds.
        sleep: sleeps that many seconds, or until ``stop`` is set; by default waits on ``stop``.
    """

    def __init__(
        self,
        memory: AudioMemory,
        stop: threading.Event | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] | None = None,
    ) -> None:
        super().__init__(memory, stop)
        self._sleep = sleep or self._stop.wait
        self._watch = BlockWatch(lambda: memory.blocks, clock, STANDSTILL_LIMIT_S)

    def _pass(self, samples: int) -> None:
        self._sleep(min(POLL_S, samples / self.rate))
        if self._watch.stalled:
            raise CompanionError(
                f"the audio stream stands still at sample {self.now_samples()}: no block for "
                f"{STANDSTILL_LIMIT_S} s; is the sound device still there?"
            )


class OfflineTimebase(Timebase):
    """For an offline stream: waiting advances it, to exactly the sample waited for.

    Args:
        stream: the stream to advance.
        stop: when set, waiting ends at once.
    """

    def __init__(self, stream: OfflineStream, stop: threading.Event | None = None) -> None:
        super().__init__(stream.memory, stop)
        self._stream = stream

    def _pass(self, samples: int) -> None:
        self._stream.advance(self.now_samples() + samples)
