"""The companion's own tempo: the knob."""

from __future__ import annotations

from collections.abc import Callable

from companion.clock.host_time import HostTime
from companion.clock.source import Reading


class InternalSource:
    """Says how fast, not where the beats fall: that is up to whoever follows no other clock.

    Args:
        bpm: the knob, beats a minute.
    """

    def __init__(self, bpm: Callable[[], float]) -> None:
        self._bpm = bpm

    def read(self, now: int, host_time: HostTime) -> Reading:
        """See `ClockSource`."""
        return Reading(now, 0.0, self._bpm(), lock="tempo")

    def close(self) -> None:
        """Nothing to let go of."""
