"""How long a plan takes, learnt from the last ones."""

from __future__ import annotations

from collections import deque

REMEMBERED = 8


class Pace:
    """The slowest of the last few plans: what a plan must be allowed."""

    def __init__(self, warm_s: float) -> None:
        """`warm_s` is what a typical plan took when the generator was warmed up."""
        self._recent_s: deque[float] = deque([warm_s], REMEMBERED)

    def record(self, seconds: float) -> None:
        """A plan took this long, from its submission to its end."""
        self._recent_s.append(seconds)

    @property
    def expected_s(self) -> float:
        """Seconds to expect of the next plan."""
        return max(self._recent_s)
