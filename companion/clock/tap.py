"""The tempo tapped by hand: the first tap is a downbeat, the rest are beats.

*Threading*: belongs to the session's thread; taps come in with the time at which they were made.
"""

from __future__ import annotations

import numpy as np

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.host_time import HostTime
from companion.clock.reading import Line, Reading

KEPT_TAPS = 8
FAR_OFF = 0.3
"""A tap this part of a beat away from where it was due begins anew."""
SURE_TAPS = 5
TOLERANCE = 1e-6
BOUNCE_S = 0.1
"""What comes so soon after a tap is the same one: a switch that bounces; no hand is that quick."""


class TapSource:
    """A line through the last taps."""

    def __init__(self) -> None:
        """No tap yet."""
        self._taps: list[tuple[int, float]] = []  # beat, monotonic seconds
        self._line: Line | None = None

    def tap(self, time_s: float) -> None:
        """A tap was made at a monotonic time."""
        if self._taps and time_s < self._taps[-1][1] + BOUNCE_S:
            return
        if self._far_off(time_s):
            self._taps = []
        beat = self._taps[-1][0] + 1 if self._taps else 0
        self._taps = [*self._taps, (beat, time_s)][-KEPT_TAPS:]
        if len(self._taps) >= 2:
            self._line = self._fit()

    def read(self, now: int, host_time: HostTime) -> Reading | None:
        """See `ClockSource`; the line of the last series until another has two taps."""
        return None if self._line is None else host_time.reading(self._line, now)

    def close(self) -> None:
        """Nothing to let go of."""

    def _far_off(self, time_s: float) -> bool:
        if not self._taps:
            return False
        since_s = time_s - self._taps[-1][1]
        longest_s, shortest_s = 60 / MIN_BPM + TOLERANCE, 60 / MAX_BPM - TOLERANCE
        if not shortest_s <= since_s <= longest_s:
            return True
        if len(self._taps) < 2 or self._line is None:
            return False
        return abs(self._line.beat_at(time_s) - (self._taps[-1][0] + 1)) > FAR_OFF

    def _fit(self) -> Line:
        beats, times = np.array(self._taps, np.float64).T
        slope, at_zero = np.polyfit(beats - beats[-1], times - times[-1], 1)
        bpm = min(max(60 / float(slope), MIN_BPM), MAX_BPM)
        confidence = min(1.0, len(self._taps) / SURE_TAPS)
        return Line(float(times[-1] + at_zero), float(beats[-1]), bpm, confidence=confidence)
