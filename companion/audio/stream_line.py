"""Where the stream stands on the host's clock.

The counter moves block by block, and a block may come late, never early. So the line through the
moments right after the most punctual blocks is the stream's own: position over host seconds.

*Threading*: belongs to one thread.
"""

from __future__ import annotations

from collections import deque

WINDOW_S = 4.0  # over this time two clocks part by a fraction of a millisecond


class StreamLine:
    """Learns the line from looks at the counter.

    Args:
        rate: samples a second.
        window_s: how long a look is remembered.
    """

    def __init__(self, rate: int, window_s: float = WINDOW_S) -> None:
        self._rate = rate
        self._window_s = window_s
        self._seen: deque[tuple[float, float]] = deque()

    def observe(self, host_s: float, position: float) -> None:
        """The counter stood at ``position`` at ``host_s``, monotonic seconds."""
        ahead = position - host_s * self._rate
        while self._seen and self._seen[-1][1] <= ahead:
            self._seen.pop()
        self._seen.append((host_s, ahead))
        while host_s - self._seen[0][0] > self._window_s:
            self._seen.popleft()

    def lose(self, samples: float) -> None:
        """The stream has fallen so far behind its line; less than 0 if that was a mistake."""
        self._seen = deque((host_s, ahead - samples) for host_s, ahead in self._seen)

    def forget(self) -> None:
        """Another line begins."""
        self._seen.clear()

    @property
    def ahead_samples(self) -> float:
        """Position less host seconds times rate, on the line.

        Raises:
            ValueError: nothing was observed.
        """
        if not self._seen:
            raise ValueError("nothing was observed")
        return self._seen[0][1]
