"""What the rig hears, held still while one plan's window is cut from it.

The stream moves on while windows are put together, and its device may be lost; all of a round is
heard from one look, so that whoever takes the same look hears the very same windows again.

*Threading*: belongs to the thread that asks.
"""

from __future__ import annotations

from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from companion.audio.aligned_input import Gaps, Look
from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.listen.retimed_input import HEARD_S, RetimedInput
from companion.listen.window import Capture, ContextWindow, context_window
from companion.system.errors import CompanionError


class Listening(Capture, Protocol):
    """Where the input is kept, and what of it has been heard at a moment."""

    def look(self) -> Look:
        """What has been heard by now."""
        ...


class Hearing:
    """Cuts windows from the input, at the tempo that a plan is made at."""

    def __init__(self, source: Listening, transport: Transport) -> None:
        """Nothing is heard before the first look."""
        self._source, self._transport = source, transport
        self._nominal: RetimedInput | None = None
        self._look: Look | None = None

    def look(self) -> None:
        """From now on hear what has been heard by now, and no more."""
        look = self._source.look()
        if self._look is None or look.gaps != self._look.gaps:
            self._nominal = None  # it may have kept what counts as lost now
        self._look = look

    @property
    def position(self) -> int:
        """The stream sample up to which windows are heard."""
        return 0 if self._look is None else self._look.position

    @property
    def gaps(self) -> Gaps:
        """The stretches of samples that are not, because there was no device."""
        return () if self._look is None else self._look.gaps

    def window(
        self, grid: Grid, first_frame: int, frames: int, cycle: int, stand_in_from: int = 0
    ) -> ContextWindow:
        """See `context_window`."""
        if self._nominal is None or self._nominal.grid != grid:
            self._nominal = RetimedInput(self, self._transport, grid)
        return context_window(self._nominal, grid, first_frame, frames, cycle, stand_in_from)

    def capture(self, start: int, n: int) -> NDArray[np.float32]:
        """See `Capture`."""
        oldest = self.position - round(HEARD_S * self._transport.rate)
        if self._look is None or start < oldest:
            raise CompanionError(f"frame {start} is long ago; valid: from {oldest}")
        return self._look.capture(start, n)
