"""Controllers are told where their knobs are: rings, lights and motor faders.

What a knob says is sent when something else has moved it, when a device is plugged in, and after a
hand has let go. A control that is being moved is not answered, and a value that comes back from a
motor just as it was sent turns nothing: so there are no loops. At the end all lights go out.

*Threading*: `turned` may be called from any thread and never waits; the rest belongs to the thread
that hears the controllers and sends.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass

from companion.control.midi_knobs import MidiKnobs
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_message import (
    BEND,
    CONTROL_CHANGE,
    DATA_LSB,
    DATA_MSB,
    LSB_OFFSET,
    MOST,
    NOTE_ON,
    NRPN_LSB,
    NRPN_MSB,
    Move,
)
from companion.control.midi_turn import Turn
from companion.control.store import ALL, Change

QUIET_S = 0.3
"""A control that was moved so short a time ago is still in somebody's hand."""
ECHO_S = 1.0
"""So long a motor may take to say that it has come where it was sent."""
APART_S = 0.02
"""Between two messages to one control: a cable carries a thousand messages a second."""
SHOWN = ("cc", "cc14", "nrpn", "note", "bend")
"""Kinds of control that can be told where they are."""
Message = tuple[int, ...]


@dataclass(slots=True)
class _Shown:
    """One control of one device: what it shows, and when what happened to it."""

    due: bool = True
    value: int | None = None  # as last sent or heard; None if that is not known
    sent_s: float = float("-inf")
    held_s: float = float("-inf")


class Feedback:
    """Says what is to be sent to each device, and when."""

    def __init__(self, knobs: MidiKnobs) -> None:
        """Every control of every device has to be told first."""
        self._knobs = knobs
        self._lock = threading.Lock()
        self._moved: set[tuple[str | None, str]] = set()  # player and knob
        self._shown: dict[tuple[str, MidiMapping], _Shown] = {}

    def wanted(self, device: str) -> bool:
        """Whether any control of a device is to be told."""
        return bool(self._told(device))

    def turned(self, change: Change) -> None:
        """A knob was moved, whoever did it."""
        with self._lock:
            self._moved.add((change.player, change.name))

    def heard(self, device: str, move: Move, at_s: float) -> bool:
        """A control was moved; true if it only says where it was sent."""
        echo = False
        for turn in self._knobs.table(device).get(move.control, ()):
            if not _is_shown(turn.mapping):
                continue
            shown = self._shown.setdefault((device, turn.mapping), _Shown())
            if _follows(turn.mapping):
                if move.value == shown.value and at_s - shown.sent_s < ECHO_S:
                    echo = True
                    continue
                shown.value, shown.held_s = move.value, at_s
            else:
                shown.value = None  # a light may go out by itself when its button is let go
            shown.due = True
        return echo

    def forget(self, device: str) -> None:
        """A device has gone: when it is back, everything is told."""
        for key in [key for key in self._shown if key[0] == device]:
            del self._shown[key]

    def messages(self, device: str, at_s: float) -> Iterator[Message]:
        """What is to be sent to a device now."""
        self._mark_moved()
        for turn in self._told(device):
            mapping = turn.mapping
            shown = self._shown.setdefault((device, mapping), _Shown())
            if not shown.due or at_s - shown.held_s < QUIET_S or at_s - shown.sent_s < APART_S:
                continue
            shown.due = False
            value = _value(turn)
            if value != shown.value:
                shown.value, shown.sent_s = value, at_s
                if _follows(mapping):
                    turn.follow()
                yield from _said(mapping, value)

    def dark(self, device: str) -> Iterator[Message]:
        """What puts a device's lights out."""
        for turn in self._told(device):
            lamp = _is_lamp(turn.mapping)
            yield from _said(turn.mapping, turn.mapping.light[0] if lamp else 0)

    def _mark_moved(self) -> None:
        with self._lock:
            moved, self._moved = self._moved, set()
        if moved:
            for (_, mapping), shown in self._shown.items():
                whose = {mapping.player} if mapping.player != ALL else {who for who, _ in moved}
                if any((player, mapping.parameter) in moved for player in whose):
                    shown.due = True

    def _told(self, device: str) -> list[Turn]:
        """What is told to a device, each control once."""
        turns = [turn for turns in self._knobs.table(device).values() for turn in turns]
        return list({id(turn): turn for turn in turns if _is_shown(turn.mapping)}.values())


def _is_shown(mapping: MidiMapping) -> bool:
    return mapping.feedback and mapping.kind in SHOWN


def _is_lamp(mapping: MidiMapping) -> bool:
    """Whether it shows on and off rather than a place."""
    switch = mapping.knob.kind in ("switch", "trigger")
    return mapping.kind == "note" or mapping.mode is not None or switch


def _follows(mapping: MidiMapping) -> bool:
    """Whether the control stands where it is told to: what it sends is where it stands."""
    return mapping.relative is None and not _is_lamp(mapping)


def _value(turn: Turn) -> int:
    """What a control is told."""
    if _is_lamp(turn.mapping):
        dark, lit = turn.mapping.light
        return lit if turn.lit() else dark
    return turn.raw()


def _said(mapping: MidiMapping, value: int) -> Iterator[Message]:
    """The messages that tell a control a value."""
    channel = (mapping.light_channel or mapping.channel or 1) - 1
    control, number = CONTROL_CHANGE | channel, mapping.number
    high, low = value >> 7, value & 0x7F
    if mapping.kind == "cc":
        yield control, number, min(value, MOST["cc"])
    elif mapping.kind == "note":
        yield NOTE_ON | channel, number, min(value, MOST["note"])
    elif mapping.kind == "cc14":
        yield control, number, high
        yield control, number + LSB_OFFSET, low
    elif mapping.kind == "bend":
        yield BEND | channel, low, high
    else:
        yield control, NRPN_MSB, number >> 7
        yield control, NRPN_LSB, number & 0x7F
        yield control, DATA_MSB, high
        yield control, DATA_LSB, low
