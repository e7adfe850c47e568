"""A line through jittering clock ticks that neither jitters nor lags.

A straight line is fitted to the last ticks, over windows from half a beat (12 ticks) to 16 beats. A
long window averages the jitter away but lags when the tempo moves; a short one follows but jitters.
So the longest window is taken whose line still agrees with those of all shorter ones, as far as the
measured jitter lets them be known (Lepski's rule). A step or a ramp of the tempo makes the long
windows disagree at once; when it is over they come back one after the other.

A program that sends its ticks at the starts of audio blocks makes them late by up to a block, and
the more so the longer it has been since the last leap: for a while they seem to come at another
tempo. So far apart as such steps alone can bring two lines, they agree.

*Threading*: belongs to the thread that brings the ticks.
"""

from __future__ import annotations

import functools
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.lib.stride_tricks import sliding_window_view
from numpy.typing import NDArray

WINDOWS = np.array([12, 17, 24, 34, 48, 68, 96, 136, 192, 272, 384])
KEPT_TICKS = int(WINDOWS[-1])
AGREEMENT = 4.0
"""Two windows disagree when their lines differ by more than this many standard deviations."""
JITTER_TICKS = 128
MEASURE_EVERY = 8
LEAST_JITTER_S = 1e-4
PIECE_TICKS, LEAST_PIECES, MOVED_PIECES = 24, 5, 2
WHITE, STILL_WHITE = 1.15, 1.05
"""Jitter is white if it is not so much greater beside a line than from tick to tick; the second
where it has been none lately."""
LEAP_TICKS, LEAPS = 9, 3
"""A leap is an interval that differs from the median of so many around it; so many make steps."""
FIRST_JITTER_S = 2e-3
"""Jitter is taken to be so much until enough ticks tell it."""
TOLD_BY_TICKS = 24
LEAST_TICK_S = 2e-3
"""No line is as steep as this: the ticks came in a burst, and tell nothing yet."""


def _beside_a_line(ticks: int) -> NDArray[np.float64]:
    """[ticks, ticks]: times of even ticks, times it, are how far they lie from the line through."""
    design = np.stack([np.ones(ticks), np.arange(ticks)], axis=1)
    return np.eye(ticks) - design @ np.linalg.pinv(design)


_BESIDE_A_LINE = _beside_a_line(PIECE_TICKS)


@dataclass(frozen=True, slots=True)
class TickFit:
    """Where ticks fall.

    Attributes:
        tick: the last tick.
        time_s: when it should have come.
        tick_s: seconds between ticks.
        ticks: how many the line is drawn through.
        jitter_s: standard deviation of one tick from it.
    """

    tick: int
    time_s: float
    tick_s: float
    ticks: int
    jitter_s: float


class _Windows(NamedTuple):
    """How lines through the newest ticks of each window follow from their times.

    ``weights`` are of the times, newest first: for the line's value at the newest tick and for its
    slope. Of a window and each that is shorter there is further, for value and slope,
    ``deviations``: the standard deviation of how much they differ, for jitter of 1 (infinite for
    one that is not shorter); and ``reaches``: the most by which they differ for times that are late
    by 0 to 1, however they lie.
    """

    sizes: NDArray[np.int64]  # [windows], ticks, growing
    weights: NDArray[np.float64]  # [2, windows, ticks]
    deviations: NDArray[np.float64]  # [2, windows, windows]
    reaches: NDArray[np.float64]  # [2, windows, windows]


def _make_windows(ticks: NDArray[np.int64], sizes: tuple[int, ...]) -> _Windows:
    """For tick numbers 0, -1, ..., of which some may be missing."""
    weights = np.zeros((2, len(sizes), sizes[-1]))
    for window, size in enumerate(sizes):
        design = np.stack([np.ones(size), ticks[:size]], axis=1)
        weights[:, window, :size] = np.linalg.pinv(design)
    variances = (weights**2).sum(axis=2)
    # A shorter window is part of the longer one, so their difference varies by as much as the
    # shorter one's variance is greater.
    more = np.maximum(0.0, variances[:, None, :] - variances[:, :, None])
    shorter = np.tril(np.ones(more.shape[1:], np.bool_), -1)
    deviations = np.where(shorter, np.sqrt(more), np.inf)
    reaches = 0.5 * np.abs(weights[:, :, None] - weights[:, None, :]).sum(axis=3)
    return _Windows(np.array(sizes), weights, deviations, reaches)


@functools.cache
def _even_windows(sizes: tuple[int, ...]) -> _Windows:
    """For ticks of which none is missing."""
    return _make_windows(-np.arange(sizes[-1]), sizes)


class TickLine:
    """Ticks come in, a line comes out."""

    def __init__(self) -> None:
        """No tick yet."""
        self._ticks: NDArray[np.int64] = np.empty(0, np.int64)
        self._times: NDArray[np.float64] = np.empty(0, np.float64)
        self._jitter_s, self._step_s = FIRST_JITTER_S, 0.0
        self.fit: TickFit | None = None

    def __len__(self) -> int:
        """How many ticks are kept."""
        return len(self._ticks)

    def clear(self) -> None:
        """Forget every tick; the line stays until there are two new ones."""
        self._ticks, self._times = self._ticks[:0], self._times[:0]

    def add(self, tick: int, time_s: float) -> None:
        """A tick came, not before the last; tick numbers grow, but for one that was doubled."""
        self._ticks = np.append(self._ticks, tick)[-KEPT_TICKS:]
        self._times = np.append(self._times, time_s)[-KEPT_TICKS:]
        if tick % MEASURE_EVERY == 0:
            self._jitter_s = self._measured_jitter_s()
            self._step_s = self._measured_step_s()
        if len(self._ticks) >= 2 and (best := self._best()).tick_s > LEAST_TICK_S:
            self.fit = best

    def renumber(self, ticks: int, by: int) -> None:
        """The last so many ticks have numbers that are wrong by so much."""
        self._ticks = np.concatenate([self._ticks[:-ticks], self._ticks[-ticks:] + by])
        if (best := self._best()).tick_s > LEAST_TICK_S:
            self.fit = best

    def _best(self) -> TickFit:
        windows = self._windows()
        y = self._times[: -int(windows.sizes[-1]) - 1 : -1] - self._times[-1]
        lines = windows.weights @ y
        apart = np.abs(lines[:, :, None] - lines[:, None, :])
        agreed = AGREEMENT * self._jitter_s * windows.deviations
        too_long = (apart > np.maximum(agreed, self._step_s * windows.reaches)).any(axis=(0, 2))
        chosen = int(np.argmax(too_long)) - 1 if too_long.any() else len(too_long) - 1
        return TickFit(
            tick=int(self._ticks[-1]),
            time_s=float(self._times[-1] + lines[0, chosen]),
            tick_s=float(lines[1, chosen]),
            ticks=int(windows.sizes[chosen]),
            jitter_s=self._jitter_s,
        )

    def _windows(self) -> _Windows:
        """Those that the ticks fill; all of them if they do not fill one."""
        count = len(self._ticks)
        filled = WINDOWS[: int(np.searchsorted(WINDOWS, count, "right"))]
        sizes = tuple(map(int, filled)) or (count,)
        newest_first = self._ticks[: -sizes[-1] - 1 : -1] - self._ticks[-1]
        if newest_first[-1] == 1 - sizes[-1]:
            return _even_windows(sizes)
        return _make_windows(newest_first, sizes)

    def _measured_jitter_s(self) -> float:
        """From second differences, in which neither tempo nor its changes show much."""
        times = self._times[-JITTER_TICKS:]
        even = np.diff(self._ticks[-JITTER_TICKS:]) == 1
        bends = np.diff(times, 2)[even[1:] & even[:-1]]
        if len(bends) < TOLD_BY_TICKS:
            return FIRST_JITTER_S
        return max(LEAST_JITTER_S, float(np.sqrt(np.mean(bends**2) / 6)))

    def _measured_step_s(self) -> float:
        """How long the blocks are at whose starts the ticks come; 0 where they come in none."""
        pieces = len(self._ticks) // PIECE_TICKS
        if pieces < LEAST_PIECES:
            return 0.0
        if not (np.diff(self._ticks) == 1).all():
            return self._step_s  # as known before one was lost
        # White jitter is as great beside a line as from tick to tick; what leaps and then leans is
        # greater beside it. In a few pieces the tempo may have moved.
        times = self._times[-pieces * PIECE_TICKS :].reshape(pieces, PIECE_TICKS)
        beside = times @ _BESIDE_A_LINE
        spread = np.sort((beside**2).sum(axis=1) / (PIECE_TICKS - 2))[:-MOVED_PIECES].mean()
        white = STILL_WHITE if self._step_s else WHITE
        if spread < white**2 * np.mean(np.diff(times, 2, axis=1) ** 2) / 6:
            return 0.0
        intervals = np.diff(self._times)
        usual = np.median(sliding_window_view(intervals, LEAP_TICKS), axis=1)
        leaps = np.abs(intervals[LEAP_TICKS // 2 : -(LEAP_TICKS // 2)] - usual)
        return float(np.partition(leaps, -LEAPS)[-LEAPS])
