"""Which messages press a button: some programs send one, others send it in every frame.

TouchDesigner sends all its channels 60 times a second, a pad may repeat itself while it is down,
and a message box in Max says `1` and never `0`. All of them press a button once when somebody
presses it once: the button goes down with the first message that says so, stays down while more of
them follow, and is up again after one that says so, or when none has come for `HELD_S`.

*Threading*: the owner sees to it that one thread calls at a time.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable

HELD_S = 0.2
"""A button is let go where no message has come for so long.

Longer than a frame of a program that hardly keeps up (5 a second), shorter than a beat at the
fastest tempo (240 BPM), which may be tapped with `1` alone.
"""
MOST_HELD = 256
"""Buttons that can be held at a time; the one that has been silent longest is forgotten first."""


class Buttons:
    """The buttons that are down, each by its knob and who holds it."""

    def __init__(self) -> None:
        """All are up."""
        self._down: OrderedDict[Hashable, float] = OrderedDict()  # when it was last said to be

    def goes_down(self, button: Hashable, down: bool, at_s: float) -> bool:
        """Whether a message presses the button.

        Args:
            button: one knob under one hand; two that turn the same knob are two.
            down: what the message says.
            at_s: when it came, monotonic seconds.
        """
        last_s = self._down.pop(button, None)
        if not down:
            return False
        self._down[button] = at_s
        if len(self._down) > MOST_HELD:
            self._down.popitem(last=False)
        return last_s is None or at_s - last_s >= HELD_S
