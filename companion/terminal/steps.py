"""How far a key turns a knob, and how its value is written; the stage page's are the same."""

from __future__ import annotations

import math

from companion.control.parameters import Parameter, Value

PER_RANGE = 120
"""Steps from one end to the other, about."""
PER_CURVE = 60
"""The same along a curve."""


def step_of(knob: Parameter) -> float:
    """The largest of 1, 2 and 5 times a power of ten that the range has 120 of."""
    if knob.kind == "whole":
        return 1.0
    wanted = (knob.maximum - knob.minimum) / PER_RANGE
    power = 10.0 ** math.floor(math.log10(wanted) + 1e-9)
    return next(each * power for each in (5, 2, 1) if each * power <= wanted * 1.0001)


def stepped(knob: Parameter, value: float, steps: int) -> Value:
    """So many steps up or down: of the value or, on a curve, of its place if that is more."""
    step = step_of(knob)
    moved = value + steps * step
    if knob.curve == "exponential":
        ratio = knob.maximum / knob.minimum
        place = math.log(value / knob.minimum) / math.log(ratio) + steps / PER_CURVE
        curved = round(knob.minimum * ratio ** min(max(place, 0.0), 1.0) / step) * step
        if abs(curved - value) >= step:
            moved = curved
    return knob.clamp(round(moved, 6))


def written(knob: Parameter, value: Value) -> str:
    """A value as it is shown, with its unit."""
    if knob.kind in ("choice", "switch"):
        return value if isinstance(value, str) else ("on" if value else "off")
    if knob.kind == "trigger":
        return ""
    if knob.unit == "dB" and float(value) <= knob.minimum:
        return "off"
    places = 0 if knob.kind == "whole" else max(0, -math.floor(math.log10(step_of(knob)) + 1e-9))
    number = f"{float(value):.{places}f}".replace("-", "−")
    unit = "" if knob.unit == knob.name else knob.unit
    if value == 1 and knob.kind == "whole":
        unit = unit.removesuffix("s")
    return f"{number} {unit}".rstrip()


def words(name: str) -> str:
    """A knob's name as words."""
    return name.replace("_", " ")
