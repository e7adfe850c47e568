"""Encoders without ends: each message says how many ticks they were turned, and which way.

A tick moves a number by a 127th of its way, and what has few values by one of them; a mapping's
sensitivity makes that more or less.
"""

from __future__ import annotations

from typing import Literal

from companion.control.midi_scale import Scale
from companion.control.parameters import CONTROLLER_STEPS, Parameter, Value

Encoding = Literal["twos complement", "signed bit", "binary offset"]
ENCODINGS: tuple[Encoding, ...] = ("twos complement", "signed bit", "binary offset")
"""How ticks are said: backwards is counted down from 128, or has bit 6 set, or is below 64."""


def ticks(encoding: Encoding, value: int) -> int:
    """How far an encoder was turned, in ticks from -64 to 63, by a controller's value, 0 to 127."""
    if encoding == "binary offset":
        return value - 64
    if encoding == "signed bit":
        return -(value - 64) if value & 64 else value
    return value - 128 if value >= 64 else value


def turned(scale: Scale, value: Value, by: float) -> tuple[Value, float]:
    """A knob that was turned by so many ticks, and the part of a tick that is left over.

    Args:
        scale: the encoder's, whose limits are not passed.
        value: what the knob says now.
        by: ticks, those left over from before included.
    """
    knob = scale.knob
    if knob.kind == "number":
        return scale.value(scale.stand(value) + by / CONTROLLER_STEPS), 0.0
    whole = int(by)  # towards zero, so that both ways need a full tick
    first, last = scale.limits
    forwards = (last >= first) is not scale.invert
    low, high = sorted(_index(knob, knob.at(position)) for position in (first, last))
    index = _index(knob, value)
    index = min(max(index + (whole if forwards else -whole), low), high)
    return knob.clamp(index), by - whole


def _index(knob: Parameter, value: Value) -> int:
    """The number of a value among the knob's."""
    return knob.choices.index(str(value)) if knob.kind == "choice" else int(value)
