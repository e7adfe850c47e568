"""A MIDI output without hardware: the twin of `companion.control.midi_output`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence


class FakeMidiSender:
    """The twin without hardware: keeps what was sent, and when.

    Args:
        clock: monotonic seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self.sent: list[tuple[float, tuple[int, ...]]] = []
        self.closed = False
        self.connected = True
        self.came_back = False  # what the next look finds

    def send(self, message: Sequence[int]) -> None:
        """See `MidiSender`."""
        self.sent.append((self._clock(), tuple(message)))

    def look(self) -> bool:
        """See `MidiSender`."""
        back, self.came_back = self.came_back, False
        return back

    def close(self) -> None:
        """See `MidiSender`."""
        self.closed = True
