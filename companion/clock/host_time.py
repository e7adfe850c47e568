"""Monotonic seconds to stream samples and back, by regression.

The stream's own counter is the only clock, but MIDI and Link speak of monotonic time. The counter
moves a block at a time, from a thread that may wake late, so a single look at it is good to a few
milliseconds only; a line through many looks is good to a fraction of one. Times are those at which
a sample is heard, as far as whoever looks can tell.

*Threading*: `observe` belongs to the session's thread. The rest may be called from any thread: the
line is replaced as a whole.
"""

from __future__ import annotations

from dataclasses import dataclass

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
ROOM = 4096
"""Looks that are stored before those that are forgotten are cleared away."""


@dataclass(frozen=True, slots=True)
class _Fit:
    time_s: float
    sample: float
    rate: float


class HostTime:
    """The line through the looks at a stream's position."""

    def __init__(self, rate: int) -> None:
        """Nothing is known; `rate` is the stream's, Hz."""
        self.rate = rate
        # A look a row, time and position. An array, since the line is drawn 20 times a second.
        self._rows = np.empty((ROOM, 2), np.float64)
        self._first = self._end = 0  # those that are kept
        self._fit: _Fit | None = None
        self._fitted_s = float("-inf")
        self._relative_rate = 1.0

    @property
    def known(self) -> bool:
        """Whether there has been a look."""
        return self._fit is not None

    def observe(self, time_s: float, position: int) -> None:
        """The stream's position was looked at, at a monotonic time; times only grow."""
        if self._end == len(self._rows):
            looks = self._looks
            room = max(ROOM, 2 * len(looks))
            self._rows = np.concatenate([looks, np.empty((room - len(looks), 2))])
            self._first, self._end = 0, len(looks)
        self._rows[self._end] = time_s, position
        self._end += 1
        while self._rows[self._first, 0] < time_s - WINDOW_S:
            self._first += 1
        if self._fit is None or time_s >= self._fitted_s + FIT_S:
            self._fitted_s = time_s
            self._forget_before_a_step(time_s)
            self._draw()

    def sample_at(self, time_s: float) -> float:
        """The stream sample that is heard at a monotonic time.

        Raises:
            ValueError: there has been no look yet.
        """
        fit = self._known()
        return fit.sample + (time_s - fit.time_s) * fit.rate

    def time_at(self, sample: float) -> float:
        """The monotonic time at which a stream sample is heard.

        Raises:
            ValueError: there has been no look yet.
        """
        fit = self._known()
        return fit.time_s + (sample - fit.sample) / fit.rate

    def reading(self, line: Line, now: int) -> Reading:
        """What a line says at stream sample `now`."""
        fit = self._known()
        return Reading(
            sample=now,
            beat=line.beat_at(self.time_at(now)),
            bpm=line.bpm * self.rate / fit.rate,
            running=line.running,
            confidence=line.confidence,
            lock=line.lock,
            unit=line.unit,
            gone=line.gone,
        )

    @property
    def _looks(self) -> NDArray[np.float64]:
        """Those of the last seconds, oldest first: time and position [n, 2]."""
        return self._rows[self._first : self._end]

    def _known(self) -> _Fit:
        if self._fit is None:
            raise ValueError("the stream's position has not been looked at yet")
        return self._fit

    def _forget_before_a_step(self, now_s: float) -> None:
        """Keep the recent looks alone if all of them say that the line has moved."""
        if self._fit is None:
            return
        fit = self._fit
        looks = self._looks
        recent = looks[np.searchsorted(looks[:, 0], now_s - RECENT_S, "right") :]
        off = (recent[:, 1] - fit.sample) / fit.rate - (recent[:, 0] - fit.time_s)
        if len(recent) >= 10 and abs(float(np.median(off))) > STEP_S:
            self._first = self._end - len(recent)

    def _draw(self) -> None:
        """A line through the looks; what is far behind it is left out of the second try."""
        looks = self._looks
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
        self._fit = _Fit(middle_s, middle, relative * self.rate)
