"""The input as it would have been heard had the tempo never moved from a grid's.

What the performer plays follows the tempo of the moment; the network hears bars of one length. Each
bar is moved beat by beat; where the tempo is the grid's, which is the rule, the very samples are
handed on.

*Threading*: belongs to the thread that asks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from companion.audio.aligned_input import Capture
from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.clock.warp import MARGIN_S, alike, warped
from companion.system.errors import CompanionError

HEARD_S = 38.0
"""What lies further back is unknown: a little less than what is kept, so that how far a window
reaches depends on where it ends and on nothing else."""


class RetimedInput:
    """A `Capture` whose samples are those of a grid.

    Args:
        source: the input in the stream; another look at it may be put in its place.
        transport: where its beats lie.
        grid: where they are to lie; at the same rate.
    """

    def __init__(self, source: Capture, transport: Transport, grid: Grid) -> None:
        """Nothing is heard yet."""
        self.grid, self.source = grid, source
        self._transport = transport
        self._moved: dict[int, NDArray[np.float32]] = {}

    @property
    def position(self) -> int:
        """The sample of the grid up to which input is known."""
        return self._nominal(self.source.position)

    def capture(self, start: int, n: int) -> NDArray[np.float32]:
        """Mono input of the grid's samples [start, start + n); CompanionError if it is not kept."""
        heard = self.source.position
        found = np.zeros(n, np.float32)
        at, end = start, start + n
        while at < end:
            bar = self.grid.bar_at(at)
            bar_start = self.grid.bar_start_samples(bar)
            stop = min(end, self.grid.bar_start_samples(bar + 1))
            piece = self._bar(bar, at - bar_start, stop - bar_start, heard)
            found[at - start : at - start + len(piece)] = piece
            at = stop
        return found

    def _heard(self, start: int, n: int) -> NDArray[np.float32]:
        """Input of the stream; CompanionError also where it is longer ago than `HEARD_S`."""
        oldest = self.source.position - round(HEARD_S * self.grid.rate)
        if start < oldest:
            raise CompanionError(f"frame {start} is long ago; valid: from {oldest}")
        return self.source.capture(start, n)

    def _nominal(self, sample: int) -> int:
        """Where a sample of the stream lies on the grid."""
        bar = self._transport.bar_at(sample)
        lines, others = self._transport.beat_lines(bar), self.grid.beat_lines(bar)
        if alike(lines, others):
            return min(others[0] + sample - lines[0], others[-1])
        beat = max(n for n, line in enumerate(lines[:-1]) if line <= sample)
        share = (sample - lines[beat]) / (lines[beat + 1] - lines[beat])
        return others[beat] + int(share * (others[beat + 1] - others[beat]))

    def _bar(self, bar: int, start: int, stop: int, heard: int) -> NDArray[np.float32]:
        """Samples [start, stop) of a bar on the grid, fewer where the input ends."""
        lines, others = self._transport.beat_lines(bar), self.grid.beat_lines(bar)
        if alike(lines, others):
            first = lines[0] + start
            # A bar may be a sample longer on the grid: never ask past the input.
            return self._heard(first, max(0, min(lines[0] + stop, heard) - first))
        margin = round(MARGIN_S * self.grid.rate)
        oldest = heard - round(HEARD_S * self.grid.rate)
        if lines[0] - margin < oldest or lines[-1] + margin > heard:
            return self._move(lines, others, heard)[start:stop]
        # Each is asked for many times, by every plan of every player. Only what is the same whoever
        # asks is kept: what is heard must not depend on when it was first asked for.
        moved = self._moved.get(bar)
        if moved is None:
            moved = self._moved[bar] = self._move(lines, others, heard)
            for old in [n for n in self._moved if self._transport.bar_start_samples(n) < oldest]:
                del self._moved[old]
        return moved[start:stop]

    def _move(
        self, lines: tuple[int, ...], others: tuple[int, ...], heard: int
    ) -> NDArray[np.float32]:
        """A bar of the stream on the grid's lines, as far as it has been heard."""
        if lines[-1] > heard:
            over = [n for n, line in enumerate(lines) if line < heard]
            if not over:
                return np.zeros(0, np.float32)
            others = (*(others[n] for n in over), self._nominal(heard))
            lines = (*(lines[n] for n in over), heard)
            if others[-1] <= others[-2]:  # a sample or two into a beat
                lines, others = lines[:-1], others[:-1]
        if len(lines) < 2:
            return np.zeros(0, np.float32)
        margin = round(MARGIN_S * self.grid.rate)
        end = min(lines[-1] + margin, heard)
        first = max(0, lines[0] - margin)
        try:
            sound = self._heard(first, end - first)
        except CompanionError:  # the ring has forgotten the margin
            first = lines[0]
            sound = self._heard(first, end - first)
        return warped(sound, [line - first for line in lines], others, self.grid.rate)
