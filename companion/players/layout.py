"""How a plan's window lies on the bars: which frames it spans, which are fixed, which are new."""

from __future__ import annotations

import math
from dataclasses import dataclass

from companion.clock.grid import Grid
from companion.system.errors import CompanionError

BARS = ((2, 4), (2, 3), (2, 2), (1, 2), (1, 1))
"""Prefix bars and planned bars, the first pair that fits is taken.

Two planned bars go before a second prefix bar: the second is what sounds if the next plan is late.
"""


@dataclass(frozen=True, slots=True)
class Layout:
    """A window on the global frame grid.

    The frame that a bar line cuts in two belongs to the bar that starts in it. So the first planned
    frame may begin up to 20 ms before its bar line, and what a clip leads in with is the end of the
    prefix and that piece.
    """

    first_bar: int  # that is planned
    bars: int  # how many are
    # global frame at which the window starts, at or just before a bar line (or, where not even one
    # bar fits before, a beat)
    first_frame: int
    prefix_frames: int  # frames before the first planned one
    frames: int  # length of the window; it ends with the frame in which the last bar ends

    @property
    def end_bar(self) -> int:
        """The bar after the last planned one."""
        return self.first_bar + self.bars


def lay_out(grid: Grid, first_bar: int, max_frames: int) -> Layout:
    """The window for a plan that starts with `first_bar`, as long as `max_frames` lets it be.

    Raises:
        CompanionError: not even one bar fits.
    """
    beat_frames = grid.bar_frames / grid.beats_per_bar
    beats = grid.beats_per_bar
    choices = [(before * beats, bars) for before, bars in BARS]
    choices += [(before, 1) for before in range(beats - 1, -1, -1)]
    start = grid.bar_start_frames(first_bar)
    for before, bars in choices:
        first_frame = math.floor(start - before * beat_frames)
        end_frame = math.ceil(grid.bar_start_frames(first_bar + bars))
        if end_frame - first_frame <= max_frames:
            prefix_frames = math.floor(start) - first_frame
            return Layout(first_bar, bars, first_frame, prefix_frames, end_frame - first_frame)
    raise CompanionError(
        f"a bar of {beats} beats at {float(grid.bpm):g} BPM is "
        f"{float(grid.bar_frames):g} frames; the generator plans up to {max_frames}: "
        "valid is a faster tempo or fewer beats"
    )
