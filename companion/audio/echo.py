"""What the performer played, without the rig's own stems that leaked into the input.

What was played is known to the sample, and so is about when it comes back. So the way from the
output to the input, loudspeaker, room and microphone, is learnt as a linear filter, by regularised
least squares over the last seconds, and what it makes of the stems is taken away.

A filter is believed only while it makes input quieter that it was not learnt from: each block is
judged by the filter of the blocks before it. So without an echo nothing is taken away, or next to
nothing. Blocks are 4 s long, the first two that have stems in them 2 s.

Every frame is cleaned once, by the filter of the block before its own, and stays as it is: all
players hear the same, and a take that keeps what was taken away can be played again.

*Threading*: belongs to the thread that listens, but for ``position`` and ``echo``, which any thread
may read. A block takes it some 0.1 s, once it is over.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable

import numpy as np
import numpy.typing as npt
from scipy.linalg import solve_toeplitz

from companion.audio.aligned_input import AlignedInput
from companion.audio.memory import Samples
from companion.system.errors import CompanionError

BLOCK_S, FIRST_S = 4.0, 2.0
FIRST = 2  # short blocks
LATE_S = 0.060  # an echo comes at most so much later than the round trip
EARLY_S = 0.010  # or earlier: the round trip may be a guess
REMEMBER = 0.75  # weight of what was learnt before, a long block later
REGULAR = 1e-3  # of the stems' power: where they have none nothing is learnt
QUIET = 1e-4  # root mean square of stems that no microphone hears
GAIN_DB = 0.08  # by so much the input must get quieter
BEHIND = 6  # blocks that are made up for at once
PIECE_S = 0.1
KEPT_S = 40.0  # of what was taken away

Signal = npt.NDArray[np.float64]


class PathFinder:
    """Learns block by block the filter from the stems to the input, float64 [early + late + 1].

    Its first tap is ``early`` frames ahead.

    Args:
        early, late: frames that an echo may come before and behind the round trip.
        block: frames of a long block.

    Attributes:
        blocks: that there was something to learn from.
    """

    def __init__(self, early: int, late: int, block: int) -> None:
        self.early, self.late, self.block, self.blocks = early, late, block, 0
        taps = early + late + 1
        self._own, self._cross = np.zeros(taps), np.zeros(taps)
        self._path: Signal | None = None
        self._gain_db = 0.0

    def learn(self, heard: Signal, stems: Signal) -> Signal | None:
        """Go on with a block; the filter if it is believed.

        Args:
            heard: the input [n].
            stems: what was played [late + n + early], from ``late`` frames before on.
        """
        before = self._path
        if np.sqrt(np.mean(stems**2)) < QUIET or not heard.any():
            return before if self._gain_db > GAIN_DB else None
        if before is None:  # the first: its second half is judged by its first
            half = len(heard) // 2
            early = PathFinder(self.early, self.late, self.block)
            early._add(heard[:half], stems[: half + self.late + self.early])
            self._gain_db = _gain_db(early._solve(), heard[half:], stems[half:])
        else:
            self._gain_db = _gain_db(before, heard, stems)
        self.blocks += 1
        self._add(heard, stems)
        self._path = self._solve()
        return self._path if self._gain_db > GAIN_DB else None

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
        remembered = REMEMBER ** (len(heard) / self.block)
        self._own = remembered * self._own + own
        self._cross = remembered * self._cross + cross

    def _solve(self) -> Signal:
        own = self._own.copy()
        own[0] = own[0] * (1 + REGULAR) + QUIET**2  # never singular, be the stems silent so far
        return np.asarray(solve_toeplitz(own, self._cross), np.float64)


def _echo(path: Signal, stems: Signal) -> Signal:
    """What a filter makes of stems [late + n + early], float64 [n]."""
    size = 1 << (len(stems) + len(path)).bit_length()
    spectrum = np.fft.rfft(stems, size) * np.fft.rfft(path, size)
    return np.fft.irfft(spectrum, size)[len(path) - 1 : len(stems)]


def _gain_db(path: Signal, heard: Signal, stems: Signal) -> float:
    left = heard - _echo(path, stems)
    return float(10 * np.log10((np.sum(heard**2) + 1e-12) / (np.sum(left**2) + 1e-12)))


class EchoGuard:
    """Takes the stems out of the input as it comes.

    Args:
        performed: the input, shifted by the round trip; its memory has the stems.
        on: whether to take anything away, asked each time.

    Attributes:
        position: what lies before this frame has been cleaned, and remains as it is.
    """

    def __init__(self, performed: AlignedInput, on: Callable[[], bool] = lambda: True) -> None:
        self._performed, self._memory, self._on = performed, performed.memory, on
        rate = self._memory.rate
        self._early, self._late = round(EARLY_S * rate), round(LATE_S * rate)
        self._block, self._piece = round(BLOCK_S * rate), round(PIECE_S * rate)
        self._first = round(FIRST_S * rate)
        self._finder = PathFinder(self._early, self._late, self._block)
        self._path: Signal | None = None
        self._kept = round(KEPT_S * rate)
        # Frame f at f modulo the length, which has room for what is written before it is told of.
        self._echo = np.zeros(self._kept + self._block, np.float32)
        self.position = self._learnt = 0  # frames

    def capture(self, start: int, n: int) -> Samples:
        """The input without the stems, float32 [n]; CompanionError if it is not kept."""
        self.catch_up()
        return self._performed.capture(start, n) - self.echo(start, n)

    def echo(self, start: int, n: int) -> Samples:
        """What was taken away, float32 [n]; CompanionError if it is not kept, or not known yet."""
        position = self.position
        if start + n > position or start < position - self._kept:
            raise CompanionError(
                f"the echo in frames {start}..{start + n} is not kept; valid now are "
                f"{max(0, position - self._kept)}..{position}"
            )
        echo = np.take(self._echo, np.arange(start, start + n), mode="wrap")
        if start < self.position - self._kept:
            raise CompanionError(f"the echo in frames {start}..{start + n} was overwritten")
        return echo

    def tick(self) -> None:
        """Clean what has been performed since, if that is worth a filter's while."""
        if self._performed.position - self.position >= self._piece:
            self.catch_up()

    def catch_up(self) -> None:
        """Clean what has been performed since, and learn from each block that is over."""
        until = self._performed.position
        skipped = until - BEHIND * self._block
        while self.position < skipped:
            self._keep(self.position, min(self.position + self._block, skipped), 0.0)
            self._learnt = skipped
        while self.position < until:
            over = self._learnt + (self._first if self._finder.blocks < FIRST else self._block)
            self._clean(self.position, min(until, over))
            if self.position == over:
                self._learn(self._learnt, over - self._learnt)
                self._learnt = over

    def _clean(self, start: int, end: int) -> None:
        echo: Signal | float = 0.0
        if self._path is not None and self._on():
            with contextlib.suppress(CompanionError):  # the ring has moved on
                echo = _echo(self._path, self._stems(start, end - start))
        self._keep(start, end, echo)

    def _keep(self, start: int, end: int, echo: Signal | float) -> None:
        np.put(self._echo, np.arange(start, end), np.asarray(echo, np.float32), mode="wrap")
        self.position = end

    def _learn(self, start: int, n: int) -> None:
        """Go on with a block that is over; one that is not kept teaches nothing."""
        self._path = None
        if not self._on():
            return
        with contextlib.suppress(CompanionError):
            heard = self._performed.capture(start, n).astype(np.float64)
            self._path = self._finder.learn(heard, self._stems(start, n))

    def _stems(self, start: int, n: int) -> Signal:
        """What was played around frames [start, start + n), float64 [late + n + early]."""
        first = start - self._late
        known = min(start + n + self._early, self._memory.position)
        stems = np.zeros(self._late + n + self._early)
        skip = max(0, -first)
        for voice in range(self._memory.voices):
            sound = self._performed.played(voice, first + skip, known - first - skip)
            stems[skip : skip + len(sound)] += sound
        return stems
