"""How often each sender is answered with what it did not ask for, or with much.

*Threading*: belongs to the thread that receives.
"""

from __future__ import annotations

import time
from collections import OrderedDict
from collections.abc import Callable, Hashable

MOST_A_SECOND = 10
MOST_SENDERS = 64
"""Whoever has been silent longest is forgotten first."""


class Allowance:
    """Counts the answers to each sender."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nobody was answered; `clock` gives monotonic seconds."""
        self._clock = clock
        self._left: OrderedDict[Hashable, tuple[float, float]] = OrderedDict()  # how many, and when

    def take(self, sender: Hashable) -> bool:
        """Whether a sender may be answered once more now; counts as answered if so."""
        now_s = self._clock()
        left, last_s = self._left.pop(sender, (float(MOST_A_SECOND), now_s))
        left = min(float(MOST_A_SECOND), left + (now_s - last_s) * MOST_A_SECOND)
        taken = left >= 1.0
        self._left[sender] = (left - 1.0 if taken else left), now_s
        if len(self._left) > MOST_SENDERS:
            self._left.popitem(last=False)
        return taken
