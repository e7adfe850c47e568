"""When a control that stands elsewhere than its knob takes the knob over.

*immediate*: with its first move, and the knob jumps. *pick-up*: when it comes to where the knob is,
or passes it. *scaled*: at once, but in steps that are longer or shorter, so that both come to the
end together.
"""

from __future__ import annotations

from typing import Literal

TakeoverKind = Literal["immediate", "pick-up", "scaled"]
TAKEOVERS: tuple[TakeoverKind, ...] = ("immediate", "pick-up", "scaled")
REACH = 1.5 / 127
"""So close a control is where the knob is: it may stand between two of its own steps."""


class Takeover:
    """One control and one knob, both from 0 to 1.

    Attributes:
        waiting: whether the control was moved and the knob was not, until it is picked up.
    """

    def __init__(self, kind: TakeoverKind) -> None:
        """Where the control stands is not known yet."""
        self._kind = kind
        self.forget()

    def forget(self) -> None:
        """The control may have been moved unseen: its device was away."""
        self.waiting = False
        self._stood: float | None = None
        self._knob: float | None = None  # where it was put; None while something else has it

    def follow(self, knob: float) -> None:
        """The control was brought to where the knob is."""
        self.waiting = False
        self._stood = self._knob = knob

    def moved(
        self, stand: float, knob: float, elsewhere: bool, reached: bool = False
    ) -> float | None:
        """Where the knob goes, now that the control stands here; None if it stays.

        Args:
            stand: of the control.
            knob: where the knob is.
            elsewhere: whether it is not where this has put it last.
            reached: whether the control stands for the very value that the knob has.
        """
        if elsewhere:
            self._knob = None
        before, self._stood = self._stood, stand
        if self._kind == "immediate":
            return stand
        if self._kind == "scaled":
            return self._scaled(before, stand, knob if self._knob is None else self._knob)
        if self._knob is None and not reached and not _meet(before, stand, knob):
            self.waiting = True
            return None
        self.waiting, self._knob = False, stand
        return stand

    def _scaled(self, before: float | None, stand: float, knob: float) -> float | None:
        if abs(stand - knob) <= REACH:
            self._knob = stand
        elif before is None:  # how far it came is not known
            return None
        elif stand > before:
            self._knob = knob + (stand - before) * (1 - knob) / (1 - before)
        else:
            self._knob = knob - (before - stand) * knob / before if before else knob
        return self._knob


def _meet(before: float | None, stand: float, knob: float) -> bool:
    """Whether a control has come to the knob or passed it."""
    passed = before is not None and (before - knob) * (stand - knob) <= 0
    return passed or abs(stand - knob) <= REACH
