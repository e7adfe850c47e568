"""When the session looks at the clock: each 10 ms, on each bar line, and at the end.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from threading import Event

from companion.clock.transport import Transport
from companion.players.timeline import Timeline
from companion.session.rig import Rig

TICK_S = 0.010
"""How often the session looks at the clock."""
LEVELS_S = 0.002
"""Between two looks at the levels, at least, where knobs are moved all the time."""


class Ticks:
    """Lets the stream go on from one look to the next; levels wait for none."""

    def __init__(
        self, rig: Rig, transport: Transport, timeline: Timeline, levels: Callable[[], None]
    ) -> None:
        """Nothing is waited for yet.

        Args:
            rig: whose stream goes on.
            transport: where the bar lines are.
            timeline: where the set ends.
            levels: sets the levels as the knobs have them.
        """
        self._rig, self._transport, self._timeline = rig, transport, timeline
        self._levels = levels

    def wait(self, roused: Event) -> int:
        """Wait for the next tick; the stream sample at which it is.

        Args:
            roused: set when a knob was turned; cleared here.
        """
        due = self._due()
        timebase, pause = self._rig.timebase, round(LEVELS_S * self._rig.rate)
        while (now := timebase.wait_until(due, roused)) < due:
            roused.clear()
            self._levels()
            timebase.wait_until(min(due, now + pause))  # however many knobs are turned
        return now

    def _due(self) -> int:
        """A tick from now, but never past a bar line or the end."""
        now = self._rig.timebase.now_samples()
        line = self._transport.bar_start_samples(self._transport.bar_at(now) + 1)
        return min(now + round(TICK_S * self._rig.rate), line, self._timeline.end_samples)
