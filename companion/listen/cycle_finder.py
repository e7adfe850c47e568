"""How many bars the music repeats after, found from what was heard: bar self-similarity.

Each bar that is over is compared with those up to 16 bars before it. A length explains the music as
well as its bars are like the ones a length earlier; the shortest that explains it nearly as well as
the best is taken, and it takes the place of the present one only where it is clearly better on the
very same bars. Causal: each bar costs up to 16 comparisons of a few hundred numbers.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence

import numpy as np

from companion.listen.cycle import MAX_CYCLE
from companion.listen.fingerprint import BeatPrint

MEMORY_BARS = 32
"""What counts: two of the longest cycles. Older music may have had another form."""
BASS, RHYTHM = 0.5, 0.3
"""Weights beside that of the chords, 1: the drums repeat every bar, a bass line often moves."""
ALIKE = 0.55
"""Likeness below which a length explains nothing."""
NEARLY = 0.08
"""So much less than the best still counts as explaining as well, for a shorter length."""
BETTER = 0.06
"""A longer length must explain the same bars so much better than the present one."""
RARE = 0.1
"""Lengths that music is seldom written in must be so much better than others."""
USUAL = frozenset({1, 2, 3, 4, 6, 8, 12, 16})
LEAST_COMPARED, LEAST_COMPARED_SHORTER = 4, 8
"""Bars that must have been compared; more before going shorter: what is heard in too short a cycle
is wrong, in too long a one only old."""
STAY = 2
"""Bars in a row that must speak for a length."""

Bar = Sequence[BeatPrint]


class CycleFinder:
    """Finds the length; starts from one that is given.

    Attributes:
        cycle: the length, bars, 1..16.
    """

    def __init__(self, cycle: int) -> None:
        """Nothing heard yet; `cycle` is taken until another is found."""
        self.cycle = cycle
        self._bars: deque[Bar] = deque(maxlen=MAX_CYCLE)
        self._likeness: deque[np.ndarray] = deque(maxlen=MEMORY_BARS)  # by bar, then by length - 1
        self._candidate, self._seen = cycle, 0

    @property
    def confidence(self) -> float | None:
        """How like the bars are to those a cycle before, 0..1; None where there are none yet."""
        mean = self._mean(self.cycle)
        return None if np.isnan(mean) else float(np.clip(mean, 0.0, 1.0))

    def start_from(self, cycle: int) -> None:
        """Somebody knows the length: go on from it."""
        self.cycle = self._candidate = cycle
        self._seen = 0

    def add(self, bar: Bar) -> None:
        """A bar is over; `cycle` is then up to date."""
        row = np.full(MAX_CYCLE, np.nan)
        for length, earlier in enumerate(reversed(self._bars), 1):
            row[length - 1] = likeness(bar, earlier)
        self._bars.append(bar)
        self._likeness.append(row)
        candidate = self._shortest()
        self._seen = self._seen + 1 if candidate == self._candidate else 1
        self._candidate = candidate
        if self._seen >= STAY:
            self.cycle = candidate

    def _shortest(self) -> int:
        """The length that the bars speak for; the present one where none does."""
        rows = np.array(self._likeness)
        counts = (~np.isnan(rows)).sum(0)
        fits = {
            length: self._mean(length) - _handicap(length)
            for length in range(1, MAX_CYCLE + 1)
            if counts[length - 1] >= max(LEAST_COMPARED, (length + 1) // 2)
        }
        best = max(fits.values(), default=0.0)
        explains = [n for n, fit in fits.items() if fit >= ALIKE and fit >= best - NEARLY]
        if not explains or explains[0] == self.cycle:
            return self.cycle
        length = explains[0]
        shorter = length < self.cycle
        if shorter and counts[length - 1] < LEAST_COMPARED_SHORTER:
            return self.cycle
        difference = rows[:, length - 1] - rows[:, self.cycle - 1]  # NaN where one is not known
        known = difference[~np.isnan(difference)]
        if self.cycle in fits and len(known):
            gain = known.mean() - _handicap(length)
            if gain < (0.0 if shorter else BETTER):
                return self.cycle
        return length

    def _mean(self, length: int) -> float:
        column = np.array([row[length - 1] for row in self._likeness])
        known = column[~np.isnan(column)]
        return float(known.mean()) if len(known) else float("nan")


def likeness(bar: Bar, other: Bar) -> float:
    """How alike two bars of the same metre are, beat by beat, -1..1; NaN where one is silent."""
    beats = [(a, b) for a, b in zip(bar, other, strict=False) if a.sounds and b.sounds]
    if not beats or len(bar) != len(other):
        return float("nan")
    parts = ((1.0, "chords"), (BASS, "bass"), (RHYTHM, "rhythm"))
    total = sum(
        weight * cosine(getattr(a, part), getattr(b, part))
        for a, b in beats
        for weight, part in parts
    )
    return total / len(beats) / (1.0 + BASS + RHYTHM)


def cosine(one: np.ndarray, other: np.ndarray) -> float:
    """Cosine of two vectors, -1..1; 0 where one has no length."""
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length > 1e-9 else 0.0


def _handicap(length: int) -> float:
    return 0.0 if length in USUAL else RARE
