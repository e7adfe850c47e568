"""When messages arrived, from the time between them that the system measures.

A program looks at its queue now and then; the queue says how long after the one before each
message came. Added up, that is exact but for where it began, and the quickest look of late tells
that.

*Threading*: belongs to the thread that reads the queue.
"""

from __future__ import annotations

from companion.audio.stream_line import StreamLine

WINDOW_S = 10.0


class Arrivals:
    """Monotonic times of a queue's messages."""

    def __init__(self) -> None:
        """Nothing has arrived."""
        self._added_s = 0.0
        self._line = StreamLine(1, WINDOW_S)  # of seconds added up over seconds

    def at(self, since_last_s: float, now_s: float) -> float:
        """When the next message arrived.

        Args:
            since_last_s: after the one before it, as the queue says.
            now_s: monotonic time at which it was taken from the queue.
        """
        self._added_s += since_last_s
        self._line.observe(now_s, self._added_s)
        return self._added_s - self._line.ahead_samples
