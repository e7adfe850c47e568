"""The list of mappings as it is shown: what each turns, where it is heard, what it clashes with."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from companion.control.midi_device import is_meant
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_message import LSB_OFFSET, Control
from companion.control.parameters import Value
from companion.control.store import ALL

Waits = Mapping[MidiMapping, dict[str | None, Value]]


@dataclass(frozen=True, slots=True)
class Mapped:
    """A mapping as it is shown.

    Attributes:
        mapping: itself, to be forgotten by.
        player, knob: what it turns.
        device, channel: where it is heard; None for any.
        kind, number: of its control.
        text: its control for a person.
        clashes: other knobs that the same control turns, each for a person.
        waits_for: the values at which it takes the knob over, by player, while it waits for that.
    """

    mapping: MidiMapping
    player: str | None
    knob: str
    device: str | None
    channel: int | None
    kind: str
    number: int
    text: str
    clashes: tuple[str, ...]
    waits_for: dict[str | None, Value]


def shown(mappings: Sequence[MidiMapping], waits: Waits) -> tuple[Mapped, ...]:
    """Mappings as they are shown.

    Args:
        mappings: all that are bound.
        waits: of those that wait to take over, the values they wait for.
    """
    clashes = _clashes(tuple(mappings))
    return tuple(
        Mapped(
            *(m, m.player, m.parameter, m.device, m.channel, m.kind, m.number, str(m)),
            clashes=clashes.get(m, ()),
            waits_for=waits.get(m, {}),
        )
        for m in mappings
    )


@lru_cache(maxsize=4)  # asked for many times a second, and seldom another
def _clashes(mappings: tuple[MidiMapping, ...]) -> dict[MidiMapping, tuple[str, ...]]:
    """The other knobs that each mapping's control turns."""
    by_control: dict[Control, list[MidiMapping]] = {}
    for mapping in mappings:
        for control in _taken(mapping):
            by_control.setdefault(control, []).append(mapping)
    found: dict[MidiMapping, dict[str, None]] = {}
    for sharing in by_control.values():
        for one in sharing:
            for other in sharing:
                if one is not other and _same_device(one, other):
                    found.setdefault(one, {})[_target(other)] = None
    return {mapping: tuple(others) for mapping, others in found.items()}


def _taken(mapping: MidiMapping) -> list[Control]:
    """The controls whose messages a mapping needs; one of 14 bits has two."""
    if mapping.kind != "cc14":
        return list(mapping.controls())
    return [
        Control("cc", control.channel, number)
        for control in mapping.controls()
        for number in (mapping.number, mapping.number + LSB_OFFSET)
    ]


def _same_device(one: MidiMapping, other: MidiMapping) -> bool:
    """Whether one device is heard by both: what is for one device goes before what is for any."""
    if one.device is None or other.device is None:
        return one.device == other.device
    return is_meant(one.device, other.device) or is_meant(other.device, one.device)


def _target(mapping: MidiMapping) -> str:
    """A mapping's knob for a person."""
    if mapping.player is None:
        return mapping.parameter
    return f"{mapping.parameter} of {'every player' if mapping.player == ALL else mapping.player}"
