"""The cycle that stands in for bars not yet played: which samples are heard in place of which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from companion.clock.grid import Grid
    from companion.clock.transport import Transport

MAX_CYCLE = 16
"""The longest cycle, bars."""


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a window, within one bar, that is heard from one place."""

    start_samples: int  # where it lies in the stream, end excluded
    end_samples: int
    # how much earlier its sound was played: 0 is the real thing, a cycle or several a stand-in,
    # None nothing at all
    shift_samples: int | None


def stand_in_bar(grid: Grid | Transport, bar: int, cycle: int, heard_samples: int) -> int | None:
    """The bar that stands in for `bar`: the latest one, a number of cycles earlier, that is over.

    `heard_samples` is the stream sample up to which input is known. None when no bar from bar 0 on
    will do.
    """
    latest = grid.bar_at(heard_samples) - 1
    cycles = max(1, -((latest - bar) // cycle))
    source = bar - cycles * cycle
    return source if source >= 0 else None


def pieces(
    grid: Grid,
    start_samples: int,
    end_samples: int,
    cycle: int,
    heard_samples: int,
    stand_in_from: int = 0,
) -> Iterator[Piece]:
    """Where each sample of [start, end) is heard from, in order, without gaps.

    Up to `heard_samples` the real input; after it the stand-in bars, laid bar line on bar line;
    before bar 0, and where nothing stands in, nothing. Bars before `stand_in_from` stand in for
    nothing.
    """
    at = start_samples
    unknown_end = min(grid.bar_start_samples(0), end_samples)
    if at < unknown_end:
        yield Piece(at, unknown_end, None)
        at = unknown_end
    while at < end_samples:
        bar = grid.bar_at(at)
        bar_end = min(grid.bar_start_samples(bar + 1), end_samples)
        if at < heard_samples:
            real_end = min(bar_end, heard_samples)
            yield Piece(at, real_end, 0)
            at = real_end
        if at < bar_end:
            source = stand_in_bar(grid, bar, cycle, heard_samples)
            shift = None
            if source is not None and source >= stand_in_from:
                shift = grid.bar_start_samples(bar) - grid.bar_start_samples(source)
            yield Piece(at, bar_end, shift)
            at = bar_end
