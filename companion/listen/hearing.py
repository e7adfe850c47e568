"""What the rig hears, held still while one plan's window is cut from it.

The stream moves on while windows are put together, and its device may be lost; all of a round is
heard from one look, so that whoever takes the same look hears the very same windows again.

*Threading*: belongs to the thread that asks.
"""

from __future__ import annotations

from collections.abc import Callable

from companion.audio.aligned_input import Look
from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.listen.retimed_input import RetimedInput
from companion.listen.window import ContextWindow, context_window


class Hearing:
    """Cuts windows from the input, at the tempo that a plan is made at.

    Attributes:
        heard: what windows are cut from: what had been heard when `look` was called last.
    """

    def __init__(self, look: Callable[[], Look], transport: Transport) -> None:
        """Begin with a first look; `look` tells what has been heard by now."""
        self._look, self._transport = look, transport
        self._retimed: RetimedInput | None = None
        self.heard = look()

    def look(self) -> Look:
        """From now on hear what has been heard by now, and no more."""
        look = self._look()
        if look.gaps != self.heard.gaps:
            self._retimed = None  # it may have kept what counts as lost now
        self.heard = look
        return look

    def window(
        self, grid: Grid, first_frame: int, frames: int, cycle: int, stand_in_from: int = 0
    ) -> ContextWindow:
        """See `context_window`."""
        if self._retimed is None or self._retimed.grid != grid:
            self._retimed = RetimedInput(self.heard, self._transport, grid)
        self._retimed.source = self.heard
        return context_window(self._retimed, grid, first_frame, frames, cycle, stand_in_from)
