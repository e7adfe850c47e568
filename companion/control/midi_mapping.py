"""A mapping: which control of which device turns which knob, and how; an item of `midi.map`.

It is read from YAML and written back as it: what is at its default is left out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from companion.control.midi_message import MOST, Control, ControlKind
from companion.control.midi_scale import BENDS, Bend, Scale
from companion.control.parameters import BY_NAME, Parameter, Value
from companion.control.relative import ENCODINGS, Encoding
from companion.control.store import ALL
from companion.control.takeover import TAKEOVERS, TakeoverKind
from companion.control.yaml_section import Section
from companion.system.errors import CompanionError

Mode = Literal["toggle", "momentary"]
MODES: tuple[Mode, ...] = ("toggle", "momentary")
NUMBERS: dict[ControlKind, range] = {
    "cc": range(120),
    "cc14": range(32),
    "nrpn": range(16_383),
    "note": range(128),
    "program": range(128),
    "key_pressure": range(128),
}
"""Which numbers a control of a kind may have; 120 and above are no controllers."""
WHOLE_CHANNEL: tuple[ControlKind, ...] = ("bend", "pressure")
"""Kinds of which a channel has one, so that they have no number."""
KINDS: tuple[ControlKind, ...] = (*NUMBERS, *WHOLE_CHANNEL)
MAPPING_KEYS = (
    *(*KINDS, "channel", "device", "parameter", "player", "from", "to", "curve", "invert"),
    *("relative", "sensitivity", "mode", "takeover", "feedback", "light", "light_channel"),
)
SENSITIVITY = 0.01, 100.0
DARK_AND_LIT = 0, 127
TABLE = "table"
"""Origin of the mappings that the table of knobs has where a preset has none."""
WRITTEN_OUT = "table, written out"
"""Origin of the table's once the preset has to say them itself, since one of them is not wanted."""


@dataclass(frozen=True, slots=True)
class MidiMapping:
    """A control and the knob it turns.

    Attributes:
        number: of the controller, note or NRPN; of a program the one for the knob's first choice.
        parameter: the knob's name.
        player: whose it is, or `*` for every player's; None for the rig's.
        channel: 1 to 16, None for any.
        kind: what the control sends.
        device: part of the name of the only port it is heard from; None for any.
        start, end: the knob's values at the control's two ends; None for the knob's own.
        curve: how the control is laid between them.
        invert: whether it goes the other way.
        relative: how an encoder without ends says its ticks; None for a control with ends.
        sensitivity: how many ticks each tick counts.
        mode: of a button; None where the control is none.
        takeover: what happens while the control stands elsewhere than the knob.
        feedback: whether the control is told where the knob is.
        light: what it is told of a knob that is off, and of one that is on.
        light_channel: where its light listens, if not on its own channel.
        origin: the file of its controller, or the table; empty for the preset's own.
    """

    number: int
    parameter: str
    player: str | None
    channel: int | None = None
    kind: ControlKind = "cc"
    device: str | None = None
    start: Value | None = None
    end: Value | None = None
    curve: Bend = "linear"
    invert: bool = False
    relative: Encoding | None = None
    sensitivity: float = 1.0
    mode: Mode | None = None
    takeover: TakeoverKind = "immediate"
    feedback: bool = False
    light: tuple[int, int] = DARK_AND_LIT
    light_channel: int | None = None
    origin: str = field(default="", compare=False)

    @property
    def cc(self) -> int | None:
        """Number of its controller; None if it is none of seven bits."""
        return self.number if self.kind == "cc" else None

    @property
    def knob(self) -> Parameter:
        """The knob in the table."""
        return BY_NAME[self.parameter]

    @property
    def scale(self) -> Scale:
        """The control's way over the knob."""
        return Scale(self.knob, self.start, self.end, self.curve, self.invert)

    def controls(self) -> tuple[Control, ...]:
        """What it hears: one control on its channel, or on each; any program of the channel."""
        channels = range(1, 17) if self.channel is None else (self.channel,)
        number = 0 if self.kind == "program" else self.number
        return tuple(Control(self.kind, channel, number) for channel in channels)

    def __str__(self) -> str:
        """Its control for a person: `CC 20, channel 1, nanoKONTROL2`."""
        names = {"cc": "CC", "cc14": "14-bit CC", "nrpn": "NRPN", "bend": "pitch bend"}
        what = names.get(self.kind, self.kind.replace("_", " "))
        number = "" if self.kind in WHOLE_CHANNEL else f" {self.number}"
        channel = "" if self.channel is None else f", channel {self.channel}"
        return f"{what}{number}{channel}" + (f", {self.device}" if self.device else "")

    def content(self) -> dict[str, Any]:
        """Keys and values of the item that reads as this mapping."""
        given: dict[str, Any] = {
            self.kind: True if self.kind in WHOLE_CHANNEL else self.number,
            "channel": self.channel,
            "device": self.device,
            "parameter": self.parameter,
            "player": self.player,
            "from": self.start,
            "to": self.end,
            "curve": None if self.curve == "linear" else self.curve,
            "invert": self.invert or None,
            "relative": self.relative,
            "sensitivity": None if self.sensitivity == 1 else self.sensitivity,
            "mode": self.mode if self.mode != usual_mode(self.kind, self.knob) else None,
            "takeover": None if self.takeover == "immediate" else self.takeover,
            "feedback": self.feedback or None,
            "light": None if self.light == DARK_AND_LIT else list(self.light),
            "light_channel": self.light_channel,
        }
        return {key: value for key, value in given.items() if value is not None}


def read_mapping(section: Section, players: Sequence[str]) -> MidiMapping:
    """A mapping from an item of `map`.

    Args:
        section: the item.
        players: of the rig.

    Raises:
        CompanionError: it is none, with file, key and what would be valid.
    """
    kind, number = _control(section)
    name = section.take("parameter", str, valid=tuple(BY_NAME))
    knob = BY_NAME[name]
    player = section.take("player", str, None)
    if knob.scope == "rig" and player is not None:
        raise section.wrong("player", player, f"no player, {name} is the rig's")
    if knob.scope == "player" and player not in (*players, ALL):
        raise section.wrong("player", player, ", ".join((*players, ALL)))
    mode = section.take("mode", str, usual_mode(kind, knob), MODES)
    relative = section.take("relative", str, None, ENCODINGS)
    takeover = section.take("takeover", str, "immediate", TAKEOVERS)
    if mode is not None and kind not in ("cc", "note"):
        raise section.wrong("mode", mode, "no mode, only notes and controllers have one")
    if relative is not None and (kind != "cc" or mode is not None or knob.kind == "trigger"):
        raise section.wrong("relative", relative, "a cc and a knob that has values, without a mode")
    if takeover != "immediate" and (kind in ("note", "program") or relative or mode):
        raise section.wrong("takeover", takeover, "immediate, it is no control with ends")
    if kind == "program" and knob.kind != "choice":
        raise section.wrong("parameter", name, "one of several choices, for a program")
    return MidiMapping(
        number=number,
        parameter=name,
        player=player,
        channel=section.take("channel", int, None, range(1, 17)),
        kind=kind,
        device=section.take("device", str, None),
        start=_end(section, "from", knob),
        end=_end(section, "to", knob),
        curve=section.take("curve", str, "linear", BENDS),
        invert=section.take("invert", bool, False),
        relative=relative,
        sensitivity=_sensitivity(section),
        mode=mode,
        takeover=takeover,
        feedback=section.take("feedback", bool, False),
        light=_light(section),
        light_channel=section.take("light_channel", int, None, range(1, 17)),
    )


def usual_mode(kind: ControlKind, knob: Parameter) -> Mode | None:
    """A note turns a switch on and off again, press by press, and goes through choices."""
    if kind != "note" or knob.kind == "trigger":
        return None
    return "toggle" if knob.kind in ("switch", "choice") else "momentary"


def _control(section: Section) -> tuple[ControlKind, int]:
    said = [kind for kind in KINDS if section.content.get(kind) is not None]
    if not said:
        others = ", ".join(KINDS[1:])
        raise section.wrong("cc", None, f"a value, it is required, or one of {others}")
    kind, *more = said
    if more:
        raise section.wrong(more[0], section.content[more[0]], f"{kind} alone, a control is one")
    if kind in WHOLE_CHANNEL:
        if section.take(kind, bool) is not True:
            raise section.wrong(kind, False, "true, or left out")
        return kind, 0
    return kind, section.take(kind, int, valid=NUMBERS[kind])


def _end(section: Section, key: str, knob: Parameter) -> Value | None:
    """The knob's value at an end of the control."""
    if section.content.get(key) is None:
        return None
    kinds = (bool,) if knob.kind in ("switch", "trigger") else (str, int, float)
    value = section.take(key, kinds)
    try:
        return knob.check(value)
    except CompanionError:
        raise section.wrong(key, value, knob.valid) from None


def _sensitivity(section: Section) -> float:
    value = section.take("sensitivity", (int, float), 1.0)
    low, high = SENSITIVITY
    if not low <= value <= high:
        raise section.wrong("sensitivity", value, f"{low:g} to {high:g}")
    return float(value)


def _light(section: Section) -> tuple[int, int]:
    light = section.take("light", list, list(DARK_AND_LIT))
    whole = [each for each in light if isinstance(each, int) and not isinstance(each, bool)]
    if len(light) != 2 or len(whole) != 2 or not all(0 <= each <= MOST["note"] for each in whole):
        raise section.wrong("light", light, "two whole numbers from 0 to 127: dark and lit")
    return light[0], light[1]
