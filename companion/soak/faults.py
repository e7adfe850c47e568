"""Which faults a soak injects, and when: decided by a seed alone."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

Kind = Literal[
    "generator dead",
    "generator hung",
    "generator NaN",
    "generator slow",
    "knob turned",
    "silence",
    "device lost",
    "broken OSC",
    "broken MIDI",
    "disk full",
]
KINDS: tuple[Kind, ...] = get_args(Kind)
_WEIGHTS = {"knob turned": 4.0, "disk full": 0.1}
EVERY_BARS = 6.0
"""Bars between two faults, on average."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that goes wrong."""

    kind: Kind
    bar: float  # when, counted from bar 0 of its set; not on a bar line
    size: float  # 0..1, how bad it is: what that means is the kind's own affair
    seed: int  # of what else is random in it


def faults(seed: int, bars: int) -> Iterator[Fault]:
    """The faults of a set of so many bars, in order; the first comes after the first cycle."""
    dice = random.Random(seed)
    weights = [_WEIGHTS.get(kind, 1.0) for kind in KINDS]
    bar = 4.0
    while True:
        bar += dice.expovariate(1 / EVERY_BARS)
        (kind,) = dice.choices(KINDS, weights)
        fault = Fault(kind, bar, dice.random(), dice.randrange(2**32))
        if bar >= bars:
            return
        yield fault
