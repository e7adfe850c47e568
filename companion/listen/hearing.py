"""What the rig hears, held still while one plan's window is cut from it.

The stream moves on while windows are put together; all of a round is heard up to one sample, so
that whoever knows that sample can hear the very same windows again.

*Threading*: belongs to the thread that asks.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.errors import CompanionError
from companion.listen.nominal import HEARD_S, NominalCapture
from companion.listen.window import Capture, ContextWindow, context_window


class Hearing:
    """Cuts windows from the input, at the tempo that a plan is made at.

    Attributes:
        position: the stream sample up to which windows are heard.
    """

    def __init__(self, source: Capture, transport: Transport) -> None:
        """Nothing is heard yet."""
        self._source, self._transport = source, transport
        self._nominal: NominalCapture | None = None
        self.position = 0

    def look(self) -> None:
        """From now on hear up to where the stream is now."""
        self.position = self._source.position

    def window(
        self, grid: Grid, first_frame: int, frames: int, cycle: int, stand_in_from: int = 0
    ) -> ContextWindow:
        """See `context_window`."""
        if self._nominal is None or self._nominal.grid != grid:
            self._nominal = NominalCapture(self, self._transport, grid)
        return context_window(self._nominal, grid, first_frame, frames, cycle, stand_in_from)

    def capture(self, start: int, n: int) -> NDArray[np.float32]:
        """See `Capture`."""
        oldest = self.position - round(HEARD_S * self._transport.rate)
        if start < oldest:
            raise CompanionError(f"frame {start} is long ago; valid: from {oldest}")
        return self._source.capture(start, n)
