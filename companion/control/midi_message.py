"""What a controller's MIDI messages say: which control was moved, and to what.

A control of more than seven bits is said in two messages, the upper seven bits (MSB) and the lower
ones (LSB), in either order and with others between them. They are one value: a first half waits
`HALF_S` for the other and stands with the last other half if none comes. So the last value is
always made of the last halves, whatever was lost before.

*Threading*: a decoder belongs to one thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

ControlKind = Literal["cc", "cc14", "nrpn", "note", "program", "bend", "pressure", "key_pressure"]
HALF_S = 0.010
"""On a cable of 31,250 bauds the halves are 1 ms apart, over JACK up to a period."""
COARSE_MOST, FINE_MOST = 127, 16_383
MOST: dict[ControlKind, int] = {
    **dict.fromkeys(("cc", "note", "program", "pressure", "key_pressure"), COARSE_MOST),
    **dict.fromkeys(("cc14", "nrpn", "bend"), FINE_MOST),
}
"""The last value of each kind of control; the first is 0."""
NOTE_OFF, NOTE_ON, KEY_PRESSURE, CONTROL_CHANGE, PROGRAM, PRESSURE, BEND = range(0x80, 0xF0, 0x10)
SHORT = (PROGRAM, PRESSURE)
"""Messages with one data byte; the others have two."""
DATA_MSB, DATA_LSB = 6, 38
NRPN_LSB, NRPN_MSB, RPN_LSB, RPN_MSB = 98, 99, 100, 101
NULL = 127
"""Number of no parameter at all, in both halves."""
LSB_OFFSET = 32
"""Controller n has its lower bits in controller n + 32, for n below 32."""


@dataclass(frozen=True, slots=True)
class Control:
    """One control of a controller.

    Attributes:
        kind: what its messages are.
        channel: 1 to 16.
        number: of the controller, note or parameter; 0 where the channel has only one.
    """

    kind: ControlKind
    channel: int
    number: int = 0


@dataclass(frozen=True, slots=True)
class Move:
    """A control was moved to a value, 0 to `MOST` of its kind; a note's is 0 when it ends."""

    control: Control
    value: int


@dataclass(slots=True)
class _Halves:
    """The two halves of a value, and since when one of them waits for the other."""

    msb: int | None = None
    lsb: int | None = None
    waiting: Literal["", "msb", "lsb"] = ""
    since_s: float = 0.0

    def take(self, half: Literal["msb", "lsb"], bits: int, at_s: float) -> Iterator[int]:
        """One half has come: the values that are whole now."""
        if self.waiting == half or at_s - self.since_s >= HALF_S:
            yield from self.settle(at_s, now=True)
        if half == "msb":
            self.msb = bits
        else:
            self.lsb = bits
        if self.waiting:
            yield from self.settle(at_s, now=True)
        else:
            self.waiting, self.since_s = half, at_s

    def settle(self, at_s: float, now: bool = False) -> Iterator[int]:
        """The value that has waited long enough, if one has; `now` does not ask how long."""
        if not self.waiting or not (now or at_s - self.since_s >= HALF_S):
            return
        self.waiting = ""
        if self.msb is None:  # the lower bits alone say nothing
            return
        lsb = self.msb if self.lsb is None else self.lsb  # a coarse control reaches both ends
        yield self.msb << 7 | lsb


class Decoder:
    """The messages of one device, as moves of its controls.

    A controller is told as itself and, below 64, as half of a control of 14 bits too: which of
    them counts is up to who listens.
    """

    def __init__(self) -> None:
        """Nothing has come yet."""
        self._halves: dict[Control, _Halves] = {}
        self._parameter: dict[int, list[int | None]] = {}  # MSB and LSB of the NRPN, by channel

    def moves(self, message: Sequence[int], at_s: float) -> Iterator[Move]:
        """What a message says that came at a monotonic time.

        What is cut off, or no message of a channel, says nothing.
        """
        if not message or not 0x80 <= message[0] < 0xF0:
            return
        kind, channel = message[0] & 0xF0, (message[0] & 0x0F) + 1
        data = tuple(message[1:])
        if len(data) != (1 if kind in SHORT else 2) or not all(0 <= byte < 0x80 for byte in data):
            return
        if kind == CONTROL_CHANGE:
            yield from self._controller(channel, data[0], data[1], at_s)
        elif kind in (NOTE_ON, NOTE_OFF):
            yield Move(Control("note", channel, data[0]), data[1] if kind == NOTE_ON else 0)
        elif kind == KEY_PRESSURE:
            yield Move(Control("key_pressure", channel, data[0]), data[1])
        elif kind == PRESSURE:
            yield Move(Control("pressure", channel), data[0])
        elif kind == PROGRAM:
            yield Move(Control("program", channel), data[0])
        else:
            yield Move(Control("bend", channel), data[1] << 7 | data[0])

    def settled(self, at_s: float) -> Iterator[Move]:
        """Values of which one half has waited long enough for the other."""
        for control, halves in self._halves.items():
            for value in halves.settle(at_s):
                yield Move(control, value)

    def parameter(self, channel: int) -> int | None:
        """The NRPN that data on a channel are for; None for none."""
        msb, lsb = self._parameter.get(channel, (None, None))
        return None if msb is None or lsb is None or msb == lsb == NULL else msb << 7 | lsb

    def _controller(self, channel: int, number: int, value: int, at_s: float) -> Iterator[Move]:
        yield Move(Control("cc", channel, number), value)
        if number < 2 * LSB_OFFSET:
            half: Literal["msb", "lsb"] = "msb" if number < LSB_OFFSET else "lsb"
            fine = Control("cc14", channel, number % LSB_OFFSET)
            yield from self._half(fine, half, value, at_s)
        if number in (DATA_MSB, DATA_LSB):
            parameter = self.parameter(channel)
            if parameter is not None:
                data = Control("nrpn", channel, parameter)
                yield from self._half(data, "msb" if number == DATA_MSB else "lsb", value, at_s)
        elif number in (NRPN_MSB, NRPN_LSB, RPN_MSB, RPN_LSB):
            yield from self._select(channel, number, value)

    def _half(
        self, control: Control, half: Literal["msb", "lsb"], bits: int, at_s: float
    ) -> Iterator[Move]:
        halves = self._halves.setdefault(control, _Halves())
        for value in halves.take(half, bits, at_s):
            yield Move(control, value)

    def _select(self, channel: int, number: int, value: int) -> Iterator[Move]:
        """Data are for another parameter from here on; what waits for the old one stands now."""
        before = self.parameter(channel)
        halves = self._parameter.setdefault(channel, [None, None])
        if number in (RPN_MSB, RPN_LSB):
            halves[:] = None, None
        else:
            halves[0 if number == NRPN_MSB else 1] = value
        if before is not None and before != self.parameter(channel):
            old = Control("nrpn", channel, before)
            for whole in self._halves.pop(old, _Halves()).settle(0.0, now=True):
                yield Move(old, whole)
