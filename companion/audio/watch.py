"""Telling by the block counter whether the callback is still called.

When a device is unplugged or its server dies, PortAudio's own flags and callbacks are silent or
late; the counter simply stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

from companion.audio.memory import AudioMemory

STALL_LIMIT_S = 0.5


class BlockWatch:
    """Notices when the callback's block counter stands still.

    Args:
        memory: whose counter to watch.
        clock: monotonic seconds.
    """

    def __init__(self, memory: AudioMemory, clock: Callable[[], float] = time.monotonic) -> None:
        self._memory = memory
        self._clock = clock
        self._blocks = memory.blocks
        self._since_s = clock()

    @property
    def still_s(self) -> float:
        """How long the counter has been seen to stand still, seconds; 0 if it moved."""
        blocks = self._memory.blocks
        now_s = self._clock()
        if blocks != self._blocks:
            self._blocks = blocks
            self._since_s = now_s
        return now_s - self._since_s

    @property
    def stalled(self) -> bool:
        """Whether no block has come for longer than 0.5 s."""
        return self.still_s > STALL_LIMIT_S
