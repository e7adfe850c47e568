"""Monotonic seconds to stream samples and back, by regression.

The stream's own counter is the only clock, but MIDI and Link speak of monotonic time. The counter
moves a block at a time, from a thread that may wake late, so a single look at it is good to a few
milliseconds only; a line through many looks is good to a fraction of one. Times are those at which
a sample is heard, as far as whoever looks can tell.

*Threading*: `observe` belongs to the session's thread. The rest may be called from any thread: the
line is replaced as a whole.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left

import numpy as np
from numpy.typing import NDArray

from companion.clock.reading import Line, Reading

WINDOW_S = 8.0
DRIFT = 3e-4
"""How far a device's rate is off its name, standard deviation: it holds the slope while few looks
are known."""
LOOK_S = 2e-3
"""How far a look is off the line, standard deviation."""
RECENT_S = 0.25
STEP_S = 2e-3
"""When the looks of the last 0.25 s are off by more than this on average, the stream has lost
blocks: older looks are forgotten."""
OUTLIER_S = 6e-3
"""A look that is behind by more than this was taken while the callback was late."""
FIT_S = 0.05
"""How often the line is drawn anew."""


class HostTime:
    """The line through the looks at a stream's position."""

    def __init__(self, rate: int) -> None:
        """Nothing is known; `rate` is the stream's, Hz."""
        self.rate = rate
        # Of the looks, oldest first: numbers side by side, which numpy takes over as they are.
        self._times_s, self._positions = array("d"), array("d")
        self._fit: tuple[float, float, float] | None = None  # a time, its sample, samples a second
        self._fitted_s = float("-inf")
        self._relative_rate = 1.0

    @property
    def known(self) -> bool:
        """Whether there has been a look."""
        return self._fit is not None

    def observe(self, time_s: float, position: int) -> None:
        """The stream's position was looked at, at a monotonic time; times only grow."""
        self._times_s.append(time_s)
        self._positions.append(position)
        if self._fit is None or time_s >= self._fitted_s + FIT_S:
            self._fitted_s = time_s
            self._forget(bisect_left(self._times_s, time_s - WINDOW_S))
            looks = np.column_stack([self._times_s, self._positions])
            if recent := self._moved(looks):
                looks = looks[-recent:]
                self._forget(len(self._times_s) - recent)
            self._fit = self._drawn(looks)

    def sample_at(self, time_s: float) -> float:
        """The stream sample that is heard at a monotonic time.

        Raises:
            ValueError: there has been no look yet.
        """
        middle_s, middle, rate = self._line
        return middle + (time_s - middle_s) * rate

    def time_at(self, sample: float) -> float:
        """The monotonic time at which a stream sample is heard.

        Raises:
            ValueError: there has been no look yet.
        """
        middle_s, middle, rate = self._line
        return middle_s + (sample - middle) / rate

    def reading(self, line: Line, now: int) -> Reading:
        """What a line says at stream sample `now`."""
        return Reading(
            sample=now,
            beat=line.beat_at(self.time_at(now)),
            bpm=line.bpm * self.rate / self._line[2],
            running=line.running,
            confidence=line.confidence,
            lock=line.lock,
            unit=line.unit,
            gone=line.gone,
        )

    @property
    def _line(self) -> tuple[float, float, float]:
        if self._fit is None:
            raise ValueError("the stream's position has not been looked at yet")
        return self._fit

    def _forget(self, looks: int) -> None:
        """The oldest so many count no longer."""
        del self._times_s[:looks], self._positions[:looks]

    def _moved(self, looks: NDArray[np.float64]) -> int:
        """How many looks are recent, if all of them say that the line has moved; else 0."""
        if self._fit is None:
            return 0
        middle_s, middle, rate = self._fit
        recent = looks[np.searchsorted(looks[:, 0], looks[-1, 0] - RECENT_S, "right") :]
        off_s = (recent[:, 1] - middle) / rate - (recent[:, 0] - middle_s)
        moved = len(recent) >= 10 and abs(float(np.median(off_s))) > STEP_S
        return len(recent) if moved else 0

    def _drawn(self, looks: NDArray[np.float64]) -> tuple[float, float, float]:
        """A line through the looks; what is far behind it is left out of the second try."""
        keep = np.ones(len(looks), np.bool_)
        for _ in range(2):
            times, samples = looks[keep].T
            middle_s, middle = float(times.mean()), float(samples.mean())
            # The slope is drawn towards the one known so far, as much as a crystal is trusted.
            x = times - middle_s
            y = (samples - middle) / self.rate - x * self._relative_rate
            slope = float(x @ y) / (float(x @ x) + (LOOK_S / DRIFT) ** 2)
            relative = self._relative_rate + slope
            off_s = (looks[:, 1] - middle) / self.rate - (looks[:, 0] - middle_s) * relative
            near = np.abs(off_s - np.median(off_s)) < OUTLIER_S
            if not near.any():  # a clock that runs by fits and starts: no look is worth more
                break
            keep = near
        if looks[-1, 0] - looks[0, 0] > WINDOW_S / 2:
            self._relative_rate = relative
        return middle_s, middle, relative * self.rate
