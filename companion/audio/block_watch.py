"""Telling by the block counter whether the callback is still called.

When a device is unplugged or its server dies, PortAudio's own flags and callbacks are silent or
late; the counter simply stands still.
"""

from __future__ import annotations

import time
from collections.abc import Callable

STALL_LIMIT_S = 0.5


class BlockWatch:
    """Notices when a counter of the callback stands still.

    Args:
        count: the counter.
        clock: monotonic seconds.
        limit_s: how long it may stand still.
    """

    def __init__(
        self,
        count: Callable[[], int],
        clock: Callable[[], float] = time.monotonic,
        limit_s: float = STALL_LIMIT_S,
    ) -> None:
        self._count = count
        self._clock = clock
        self._limit_s = limit_s
        self._blocks = count()
        self._since_s = clock()

    @property
    def still_s(self) -> float:
        """How long the counter has been seen to stand still, seconds; 0 if it moved."""
        blocks = self._count()
        now_s = self._clock()
        if blocks != self._blocks:
            self._blocks = blocks
            self._since_s = now_s
        return now_s - self._since_s

    @property
    def stalled(self) -> bool:
        """Whether no block has come for longer than the limit."""
        return self.still_s > self._limit_s
