"""Bars and codec frames at one nominal tempo.

Bars are exact fractions of samples; they are rounded to a sample once, where they are handed out,
so an hour of bars does not drift. The codec's frames (50 a second) lie on one global grid that
starts at bar 0: bar lines fall between frames.

Stems are planned on such a grid, whatever the tempo does meanwhile; `companion.clock.transport`
says where its beats lie in the stream, and `companion.clock.warp` moves sound between the two.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from fractions import Fraction

import numpy as np
import numpy.typing as npt

from companion.audio.format import check_rate
from companion.system.errors import CompanionError
from model.grid import FRAME_RATE

MIN_BPM = 40
MAX_BPM = 240
HEADROOM = 0.05
"""A tempo may be bent so far beyond the range, or one at its end could not be caught up with."""


class BarLines(ABC):
    """Bars of equally many beats: what follows from where a beat starts.

    Attributes:
        beats_per_bar: at least 1.
    """

    __slots__ = ()
    beats_per_bar: int

    @property
    @abstractmethod
    def beat_samples(self) -> Fraction:
        """Length of a beat now, samples."""

    @abstractmethod
    def beat_start_samples(self, beat: Fraction | int) -> int:
        """The sample nearest to where ``beat``, or a part of one, starts, counted from bar 0."""

    @property
    def bar_samples(self) -> Fraction:
        """Length of a bar now, samples."""
        return self.beat_samples * self.beats_per_bar

    def bar_start_samples(self, bar: int) -> int:
        """The sample nearest to where ``bar`` starts."""
        return self.beat_start_samples(bar * self.beats_per_bar)

    def beat_lines(self, bar: int) -> tuple[int, ...]:
        """The samples of a bar's beats and of the next bar line."""
        first = bar * self.beats_per_bar
        return tuple(map(self.beat_start_samples, range(first, first + self.beats_per_bar + 1)))


@dataclass(frozen=True, slots=True)
class Grid(BarLines):
    """A constant tempo from an origin; bar 0 starts there, count-in bars are negative.

    Args:
        rate: device sample rate, Hz; a multiple of 50.
        bpm: beats a minute, 40..240.
        origin_samples: sample of bar 0.
        beats_per_bar: at least 1.

    Raises:
        CompanionError: one of them is outside its range.
    """

    rate: int
    bpm: Fraction
    origin_samples: int
    beats_per_bar: int = 4

    def __post_init__(self) -> None:
        object.__setattr__(self, "bpm", check_bpm(self.bpm))
        check_rate(self.rate)
        if self.beats_per_bar < 1:
            raise CompanionError(f"beats_per_bar {self.beats_per_bar} must be 1 or more")

    @property
    def beat_samples(self) -> Fraction:
        """Length of a beat, samples."""
        return 60 * self.rate / self.bpm

    @property
    def bar_frames(self) -> Fraction:
        """Length of a bar, codec frames."""
        return self.bar_samples * FRAME_RATE / self.rate

    def beat_start_samples(self, beat: Fraction | int) -> int:
        """See `BarLines`."""
        return nearest(self.origin_samples + beat * self.beat_samples)

    def bar_start_frames(self, bar: int) -> Fraction:
        """Start of ``bar`` on the codec's frame grid, whose frame 0 is bar 0."""
        return bar * self.bar_frames

    def bar_at(self, sample: int) -> int:
        """The bar that sounds at a sample, by the rounded bar lines."""
        bar = (sample - self.origin_samples) // self.bar_samples
        # The next line may have been rounded down to this very sample, never up beyond it.
        return bar + 1 if self.bar_start_samples(bar + 1) <= sample else bar

    def phase(self, first_frame: int, frames: int) -> npt.NDArray[np.float32]:
        """Beat and bar phase at the starts of codec frames, float32 [frames, 4] in -1..1.

        The columns are sin and cos of 2 pi beat, then of 2 pi bar. ``first_frame`` counts from
        bar 0. The phase is reduced with exact arithmetic, so it is as good after an hour.
        """
        grid = range(first_frame, first_frame + frames)
        beat = _turns(grid, self.bar_frames / self.beats_per_bar)
        bar = _turns(grid, self.bar_frames)
        columns = [np.sin(beat), np.cos(beat), np.sin(bar), np.cos(bar)]
        return np.stack(columns, axis=1).astype(np.float32)


def nearest(sample: Fraction) -> int:
    """The whole sample nearest to an exact one; halves go up, wherever the origin lies."""
    return math.floor(sample + Fraction(1, 2))


def within_range(bpm: Fraction) -> Fraction:
    """The tempo, or the end of the range that it is beyond."""
    return min(max(bpm, Fraction(MIN_BPM)), Fraction(MAX_BPM))


def check_bpm(bpm: object, headroom: float = 0.0) -> Fraction:
    """A tempo as an exact number of beats a minute; an int or float is taken as it is.

    Args:
        bpm: beats a minute.
        headroom: by which part the tempo may be beyond the range.

    Raises:
        CompanionError: it is no number from 40 to 240.
    """
    try:
        exact = Fraction(bpm)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        exact = Fraction(0)
    if not MIN_BPM * (1 - headroom) <= exact <= MAX_BPM * (1 + headroom):
        raise CompanionError(f"tempo {_readable(bpm)} BPM is outside {MIN_BPM}..{MAX_BPM} BPM")
    return Fraction(exact)


def _turns(grid: range, period: Fraction) -> npt.NDArray[np.float64]:
    """Angle in 0..2 pi of each grid point in a period, both in frames; float64 [len(grid)]."""
    over, under = period.numerator, period.denominator
    parts = [frame * under % over / over for frame in grid]
    return 2 * np.pi * np.array(parts, np.float64)


def _readable(bpm: object) -> str:
    return f"{float(bpm):g}" if isinstance(bpm, Fraction) else str(bpm)
