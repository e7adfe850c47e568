"""Waiting for a sample of the stream, and noticing that none comes.

*Threading*: a ``BlockWatch`` and a ``StreamTimebase`` belong to one thread, whichever; each thread
needs its own. An ``OfflineTimebase`` runs the audio callback in the thread that waits.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable
from threading import Event

from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.system.errors import CompanionError

STALL_LIMIT_S = 0.5
STANDSTILL_LIMIT_S = 5.0  # a device that is gone is replaced long before
POLL_S = 0.005  # about a block; the wait ends at most this long after the sample


class BlockWatch:
    """Notices by a memory's block counter that the callback is called no longer.

    When a device is unplugged or its server dies, PortAudio's own flags and callbacks are silent or
    late; the counter simply stands still.

    Args:
        memory: whose counter.
        clock: monotonic seconds.
        limit_s: how long it may stand still.
    """

    def __init__(
        self,
        memory: AudioMemory,
        clock: Callable[[], float] = time.monotonic,
        limit_s: float = STALL_LIMIT_S,
    ) -> None:
        self._memory, self._clock, self._limit_s = memory, clock, limit_s
        self._blocks, self._since_s = memory.blocks, clock()

    @property
    def stalled(self) -> bool:
        """Whether no block has come for longer than the limit."""
        blocks, now_s = self._memory.blocks, self._clock()
        if blocks != self._blocks:
            self._blocks, self._since_s = blocks, now_s
        return now_s - self._since_s > self._limit_s


class Timebase(ABC):
    """The sample counter of a memory's stream as the only clock."""

    def __init__(self, memory: AudioMemory) -> None:
        self._memory = memory

    def now_samples(self) -> int:
        """The next absolute frame to be processed."""
        return self._memory.position

    def wait_until(self, sample: int, roused: Event | None = None) -> int:
        """Let the stream reach ``sample``; returns the position then.

        Args:
            sample: absolute frame.
            roused: ends the wait on a live stream once it is set.

        Raises:
            CompanionError: the stream is live and no block has come for more than 5 s.
        """
        while (now := self.now_samples()) < sample:
            self._pass(sample - now)
        return now

    @abstractmethod
    def _pass(self, samples: int) -> None:
        """Let at most ``samples`` frames go by, or a little while."""


class StreamTimebase(Timebase):
    """For a stream that moves by itself: sleeps and looks.

    Args:
        memory: whose counter it is.
        clock: monotonic seconds.
        sleep: sleeps that many seconds.
    """

    def __init__(
        self,
        memory: AudioMemory,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        super().__init__(memory)
        self._sleep = sleep
        self._watch = BlockWatch(memory, clock, STANDSTILL_LIMIT_S)

    def wait_until(self, sample: int, roused: Event | None = None) -> int:
        """As of every timebase."""
        if roused is None:
            return super().wait_until(sample)
        while (now := self.now_samples()) < sample and not roused.wait(self._nap_s(sample - now)):
            self._check()
        return self.now_samples()

    def _pass(self, samples: int) -> None:
        self._sleep(self._nap_s(samples))
        self._check()

    def _nap_s(self, samples: int) -> float:
        return min(POLL_S, samples / self._memory.rate)

    def _check(self) -> None:
        if self._watch.stalled:
            raise CompanionError(
                f"the audio stream stands still at sample {self.now_samples()}: no block for "
                f"{STANDSTILL_LIMIT_S} s; is the sound device still there?"
            )


class OfflineTimebase(Timebase):
    """For an offline stream: waiting advances it, to exactly the sample waited for."""

    def __init__(self, stream: OfflineStream) -> None:
        super().__init__(stream.memory)
        self._stream = stream

    def _pass(self, samples: int) -> None:
        self._stream.advance(self.now_samples() + samples)
