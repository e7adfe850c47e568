"""The companion's own tempo: the knob, and the device's clock where it went on without us."""

from __future__ import annotations

from collections.abc import Callable

from companion.clock.host_time import HostTime
from companion.clock.reading import Reading
from companion.clock.transport import Transport

NEAR_S = 1e-4
"""What is lost is made good until the beats are so near to where they would have been."""


class InternalSource:
    """Says how fast, not where the beats fall: that is up to whoever follows no other clock.

    Only when the device has lost blocks, the beats are to go back to where they would have been
    without that, on the right beat of the bar: others play along by clocks of their own.

    Args:
        bpm: the knob, beats a minute.
        transport: whose beats.
        missed: samples that the device has lost so far.
    """

    def __init__(
        self, bpm: Callable[[], float], transport: Transport, missed: Callable[[], int]
    ) -> None:
        self._bpm, self._transport, self._missed = bpm, transport, missed
        self._known: int | None = None  # of what was missed
        self._rest_s = 0.0  # what was left of it, too little to be made good
        self._line: Reading | None = None

    def read(self, now: int, host_time: HostTime) -> Reading:
        """See `ClockSource`."""
        bpm, rate, missed = self._bpm(), self._transport.rate, self._missed()
        lost_s = 0.0 if self._known is None else (missed - self._known) / rate
        self._known = missed
        behind_s = lost_s + self._behind_s(now, bpm)
        if lost_s == 0.0 and abs(behind_s) < NEAR_S:
            self._line, self._rest_s = None, behind_s
            return Reading(now, 0.0, bpm, lock="tempo")
        beat = self._transport.beat_at(now) + behind_s * bpm / 60
        self._line = Reading(now, beat, bpm, lock="bar", near_s=NEAR_S / 2)
        return self._line

    def close(self) -> None:
        """Another leads: what is lost then is made good by it."""
        self._known, self._rest_s, self._line = None, 0.0, None

    def _behind_s(self, now: int, bpm: float) -> float:
        """How far the transport is behind where it ought to be."""
        if self._line is None:
            return self._rest_s
        due = self._line.beat_at(now, self._transport.rate)
        return (due - self._transport.beat_at(now)) * 60 / bpm
