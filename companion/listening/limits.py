"""How often somebody may ask: a bucket each that fills with time, and not too many of them."""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MOST_BUCKETS = 20_000


class Limit:
    """Lets so many through at once, and then so many a second, for each of those who ask.

    *Threading*: belongs to one thread.
    """

    def __init__(
        self, a_second: float, at_once: int, seconds: Callable[[], float] = time.monotonic
    ) -> None:
        """`seconds` is the clock."""
        self._a_second, self._at_once, self._seconds = a_second, at_once, seconds
        self._buckets: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()

    def lets(self, who: Hashable) -> bool:
        """Whether who asks may; it counts if so."""
        now = self._seconds()
        left, since = self._buckets.pop(who, (float(self._at_once), now))
        left = min(float(self._at_once), left + (now - since) * self._a_second)
        allowed = left >= 1.0
        self._buckets[who] = (left - 1.0 if allowed else left, now)
        while len(self._buckets) > MOST_BUCKETS:  # who has asked for longest is forgotten
            self._buckets.popitem(last=False)
        return allowed
