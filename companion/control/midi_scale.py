"""Where a controller stands and what its knob says for that, in both directions.

A control stands from 0 to 1; a `Scale` has a mapping's range, curve and direction on top of the
knob's own curve.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

from companion.control.parameters import Parameter, Value

Bend = Literal["linear", "exponential", "logarithmic"]
BENDS: tuple[Bend, ...] = ("linear", "exponential", "logarithmic")
"""How a control is laid on its range: exponential is slow at first, logarithmic quick at first."""
STEEPNESS = 32.0
"""How much quicker the quick end of a bent control is; half way it is at 15 %, or at 85 %."""


@dataclass(frozen=True, slots=True)
class Scale:
    """A control's way over its knob.

    Attributes:
        knob: of the table.
        start, end: the knob's values at the control's two ends; None for the knob's own.
        bend: how the control is laid between them.
        invert: whether it goes the other way.
    """

    knob: Parameter
    start: Value | None = None
    end: Value | None = None
    bend: Bend = "linear"
    invert: bool = False

    def value(self, stand: float) -> Value:
        """What the knob is to say where the control stands, 0 to 1; its ends are exact."""
        stand = min(max(stand, 0.0), 1.0)
        along = _bent(self.bend, 1 - stand if self.invert else stand)
        if along == 0 and self.start is not None:
            return self.start
        if along == 1 and self.end is not None:
            return self.end
        first, last = self.limits
        return self.knob.at(first + (last - first) * along)

    def stand(self, value: Value) -> float:
        """Where the control stands, 0 to 1, when the knob says this; at an end if it is beyond."""
        first, last = self.limits
        if first == last:
            return 0.0
        along = (self.knob.position(value) - first) / (last - first)
        stand = _straight(self.bend, min(max(along, 0.0), 1.0))
        return 1 - stand if self.invert else stand

    @property
    def limits(self) -> tuple[float, float]:
        """Positions of the knob at the two ends; the first may be the higher."""
        first = 0.0 if self.start is None else self.knob.position(self.start)
        last = 1.0 if self.end is None else self.knob.position(self.end)
        return first, last


def _bent(bend: Bend, stand: float) -> float:
    if bend == "linear" or stand in (0.0, 1.0):
        return stand
    if bend == "logarithmic":
        return 1 - _bent("exponential", 1 - stand)
    return (STEEPNESS**stand - 1) / (STEEPNESS - 1)


def _straight(bend: Bend, along: float) -> float:
    if bend == "linear" or along in (0.0, 1.0):
        return along
    if bend == "logarithmic":
        return 1 - _straight("exponential", 1 - along)
    return math.log1p(along * (STEEPNESS - 1)) / math.log(STEEPNESS)
