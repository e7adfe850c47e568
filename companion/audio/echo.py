"""What the performer played, without the rig's own stems that leaked into the input.

What was played is known to the sample, and so is about when it comes back. So the way from the
output to the input, loudspeaker, room and microphone, is learnt as a linear filter, by regularised
least squares over the last seconds, and what it makes of the stems is taken away.

A filter is believed only while it makes input quieter that it was not learnt from: each block of
4 s is judged by the filter of the blocks before it. So without an echo nothing is taken away, or
next to nothing.

*Threading*: belongs to the thread that listens. A block takes it some 0.1 s, once it is over.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_toeplitz

from companion.audio.memory import Samples
from companion.errors import CompanionError

BLOCK_S = 4.0
LATE_S = 0.060  # an echo comes at most so much later than the round trip
EARLY_S = 0.010  # or earlier: the round trip may be a guess
REMEMBER = 0.75  # weight of what was learnt before, a block later
REGULAR = 1e-3  # of the stems' power: where they have none nothing is learnt
QUIET = 1e-4  # root mean square of stems that no microphone hears
GAIN_DB = 0.08  # by so much the input must get quieter
BEHIND = 6  # blocks that are made up for at once
KEPT = 16

Signal = npt.NDArray[np.float64]


class Played(Protocol):
    """The input in time with what was played, and what was played."""

    @property
    def position(self) -> int:
        """What lies before this frame is known."""
        ...

    def capture(self, start: int, n: int) -> Samples:
        """The input, float32 [n]; CompanionError if it is not kept."""
        ...

    def played(self, voice: int, start: int, n: int) -> Samples:
        """What a voice played, float32 [n]; CompanionError if it is not kept."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class EchoPath:
    """A filter from the stems to the input.

    Attributes:
        taps: float64 [early + late + 1]; the first is ``early`` frames ahead.
        early: frames.
    """

    taps: Signal
    early: int

    def echo(self, stems: Signal) -> Signal:
        """What it makes of stems [late + n + early], float64 [n]."""
        size = 1 << (len(stems) + len(self.taps)).bit_length()
        spectrum = np.fft.rfft(stems, size) * np.fft.rfft(self.taps, size)
        return np.fft.irfft(spectrum, size)[len(self.taps) - 1 : len(stems)]


class PathFinder:
    """Learns the path block by block.

    Args:
        early, late: frames that an echo may come before and behind the round trip.
    """

    def __init__(self, early: int, late: int) -> None:
        self.early, self.late = early, late
        taps = early + late + 1
        self._own, self._cross = np.zeros(taps), np.zeros(taps)
        self._path: EchoPath | None = None
        self.gain_db = 0.0

    def learn(self, heard: Signal, stems: Signal) -> EchoPath | None:
        """Go on with a block; the path if it is believed.

        Args:
            heard: the input [n].
            stems: what was played [late + n + early], from ``late`` frames before on.
        """
        before = self._path
        if np.sqrt(np.mean(stems**2)) < QUIET or not heard.any():
            return before if self.gain_db > GAIN_DB else None
        if before is None:  # the first: its second half is judged by its first
            half = len(heard) // 2
            early = PathFinder(self.early, self.late)
            early._add(heard[:half], stems[: half + self.late + self.early])
            judged = self._gain_db(early._solve(), heard[half:], stems[half:])
        else:
            judged = self._gain_db(before, heard, stems)
        self.gain_db = judged
        self._add(heard, stems)
        self._path = self._solve()
        return self._path if judged > GAIN_DB else None

    def _add(self, heard: Signal, stems: Signal) -> None:
        """Add a block to what the least squares know."""
        taps = len(self._own)
        size = 1 << (len(stems) + taps).bit_length()
        # heard[t] = sum of taps[k] * stems[t + late + early - k]
        placed = np.zeros(len(stems))
        placed[taps - 1 :] = heard
        played = np.fft.rfft(stems, size)
        cross = np.fft.irfft(np.fft.rfft(placed, size) * np.conj(played), size)[:taps]
        own = np.fft.irfft(np.abs(played) ** 2, size)[:taps]
        self._own = REMEMBER * self._own + own
        self._cross = REMEMBER * self._cross + cross

    def _solve(self) -> EchoPath:
        own = self._own.copy()
        own[0] = own[0] * (1 + REGULAR) + QUIET**2  # never singular, be the stems silent so far
        return EchoPath(np.asarray(solve_toeplitz(own, self._cross), np.float64), self.early)

    def _gain_db(self, path: EchoPath, heard: Signal, stems: Signal) -> float:
        left = heard - path.echo(stems)
        return float(10 * np.log10((np.sum(heard**2) + 1e-12) / (np.sum(left**2) + 1e-12)))


class EchoGuard:
    """A view of the input without the stems.

    Args:
        performed: the input, shifted by the round trip.
        voices: number of voices, with the click.
        rate: samples a second.
        on: whether to take anything away, asked each time.
    """

    def __init__(
        self, performed: Played, voices: int, rate: int, on: Callable[[], bool] = lambda: True
    ) -> None:
        self._performed, self._voices, self._on = performed, voices, on
        self._early, self._late = round(EARLY_S * rate), round(LATE_S * rate)
        self._block = round(BLOCK_S * rate)
        self._finder = PathFinder(self._early, self._late)
        self._paths: OrderedDict[int, EchoPath | None] = OrderedDict()
        self._next = 0  # the first block that nothing was learnt from

    @property
    def position(self) -> int:
        """What lies before this frame is known."""
        return self._performed.position

    @property
    def gain_db(self) -> float:
        """By how much the last block got quieter."""
        return self._finder.gain_db

    def capture(self, start: int, n: int) -> Samples:
        """The input without the stems, float32 [n]; CompanionError if it is not kept."""
        heard = self._performed.capture(start, n)
        if n <= 0 or not self._on():
            return heard
        self._catch_up()
        for number in range(start // self._block, (start + n - 1) // self._block + 1):
            # Of a block that is not over, the path of the one before it is the best there is.
            path = self._paths.get(min(number, self._next - 1))
            low = max(start, number * self._block)
            high = min(start + n, (number + 1) * self._block)
            if path is None:
                continue
            try:
                echo = path.echo(self._stems(low, high - low))
            except CompanionError:  # the ring has moved on
                continue
            heard[low - start : high - start] -= echo.astype(np.float32)
        return heard

    def _catch_up(self) -> None:
        """Learn from the blocks that are over."""
        over = self.position // self._block
        self._next = max(self._next, over - BEHIND)
        while self._next < over:
            start = self._next * self._block
            try:
                heard = self._performed.capture(start, self._block).astype(np.float64)
                path = self._finder.learn(heard, self._stems(start, self._block))
            except CompanionError:
                path = None
            self._paths[self._next] = path
            if len(self._paths) > KEPT:
                self._paths.popitem(last=False)
            self._next += 1

    def _stems(self, start: int, n: int) -> Signal:
        """What was played around frames [start, start + n), float64 [late + n + early]."""
        first = start - self._late
        known = min(start + n + self._early, self.position)
        stems = np.zeros(self._late + n + self._early)
        skip = max(0, -first)
        for voice in range(self._voices):
            sound = self._performed.played(voice, first + skip, known - first - skip)
            stems[skip : skip + len(sound)] += sound
        return stems
