"""Who can say where the beats fall.

*Threading*: a source is read in the session's thread. Those that are fed from another thread (MIDI,
Link, taps) hand over one immutable `Line` at a time by assigning it, which needs no lock.
"""

from __future__ import annotations

from typing import Protocol

from companion.clock.host_time import HostTime
from companion.clock.reading import Reading

CLOCKS = ("internal", "tap", "midi", "link", "follow")
"""Who can lead."""


class ClockSource(Protocol):
    """One way to know the beat."""

    def read(self, now: int, host_time: HostTime) -> Reading | None:
        """What it says now, at stream sample `now`; None while it knows nothing.

        Args:
            now: stream sample.
            host_time: where monotonic time lies on the stream; has been looked at.
        """
        ...

    def close(self) -> None:
        """Let go of what feeds it; again does nothing."""
        ...
