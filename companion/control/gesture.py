"""One movement of one control, while it is learnt: what it is, as far as that is sure.

A control is taken for one of seven bits with ends until it shows that it is not. It has 14 bits
where both halves of them come again and again in turn; it has no ends where it repeats the same
small steps in both directions, which a control with ends never does.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import pairwise

from companion.control.midi_message import LSB_OFFSET, Control
from companion.control.relative import ENCODINGS, Encoding, ticks

PAUSE_S = 0.5
"""A control that was let alone for so long has ended its movement."""
PAIR_S = 0.02
SURE_PAIRS = 3
STEP_TICKS = 8
"""The most ticks that an encoder says at once, if it is to be known by them."""
KEPT = 64


@dataclass(slots=True)
class Gesture:
    """A movement that has begun.

    Attributes:
        device, control: what was moved first.
        last_s: when it was moved last, monotonic seconds.
    """

    device: str
    control: Control
    last_s: float
    _values: list[int] = field(default_factory=list)
    _pairs: int = 0
    _last_number: int = -1

    def includes(self, device: str, control: Control, at_s: float) -> bool:
        """Whether a move goes on with it: of the same control, or of the other half of its bits."""
        if device != self.device:
            return False
        return control == self.control or (self._is_half(control) and at_s - self.last_s < PAIR_S)

    def is_made_of(self, device: str, control: Control) -> bool:
        """Whether a control of 14 bits is made of the messages of this movement."""
        mine = self.control
        return (
            (device, control.kind, mine.kind) == (self.device, "cc14", "cc")
            and control.channel == mine.channel
            and control.number == mine.number % LSB_OFFSET
        )

    def over(self, at_s: float) -> bool:
        """Whether it has ended."""
        return at_s - self.last_s >= PAUSE_S

    def take(self, control: Control, value: int, at_s: float) -> None:
        """It goes on."""
        if self._is_half(control) or control == self.control:
            other = self._last_number >= 0 and control.number != self._last_number
            self._pairs += other and at_s - self.last_s < PAIR_S
        if control == self.control and len(self._values) < KEPT:
            self._values.append(value)
        self._last_number, self.last_s = control.number, at_s

    @property
    def found(self) -> Control:
        """What was moved, as far as it is sure."""
        control = self.control
        if control.kind != "cc" or not self._pairs:
            return control
        fine = self._pairs >= SURE_PAIRS
        return Control("cc14" if fine else "cc", control.channel, control.number % LSB_OFFSET)

    @property
    def relative(self) -> Encoding | None:
        """How its ticks are said, if it surely has no ends."""
        if self.control.kind != "cc" or self._pairs:
            return None
        return encoding_of(self._values)

    def _is_half(self, control: Control) -> bool:
        one, other = control.number, self.control.number
        return (
            control.kind == self.control.kind == "cc"
            and control.channel == self.control.channel
            and abs(one - other) == LSB_OFFSET
            and min(one, other) < LSB_OFFSET
        )


def encoding_of(values: Sequence[int]) -> Encoding | None:
    """How an encoder without ends says its ticks; None if it may be a control with ends.

    It must have gone both ways, each with the same value twice in a row, in small steps only.
    """
    if 0 in values:
        return None
    for encoding in ENCODINGS:
        steps = [ticks(encoding, value) for value in values]
        repeats = {one > 0 for one, other in pairwise(steps) if one == other}
        small = all(0 < abs(step) <= STEP_TICKS for step in steps)
        if small and repeats == {True, False}:
            return encoding
    return None
