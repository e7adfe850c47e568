"""A preset as a person would write it: what matters, with comments."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction

BAND_LEVEL_DB = -4.0
"""Of each player where there are several, so that together they are about as loud as one."""
_COLUMN = 26


@dataclass(frozen=True, slots=True)
class Voice:
    """A player to be: a name that is free and valid, and its instrument."""

    name: str
    instrument: str


@dataclass(frozen=True, slots=True)
class Rig:
    """What is written down; texts are of one line, and printable."""

    about: str  # what the first line says
    voices: tuple[Voice, ...]
    bpm: Fraction = Fraction(120)
    clock: str = "internal"
    steps: int | None = None  # None: the table's
    # part of a port's name; empty for a port that others connect to; None for no MIDI
    port: str | None = None
    input: str | None = None  # part of a device's name; None for the system's own


def rig_text(rig: Rig) -> str:
    """YAML that `parse_preset` reads as this rig."""
    return "\n".join(_lines(rig)) + "\n"


def voices_of(instruments: Sequence[str]) -> tuple[Voice, ...]:
    """Players of these instruments, each with a name of its own; `keys` play the piano."""
    voices: list[Voice] = []
    for instrument in instruments:
        plain = re.sub(r"\W+", "-", instrument)
        taken = {voice.name for voice in voices}
        free = (f"{plain}-{n}" if n > 1 else plain for n in range(1, len(instruments) + 1))
        name = next(name for name in free if name not in taken)
        voices.append(Voice(name, "piano" if instrument == "keys" else instrument))
    return tuple(voices)


def _lines(rig: Rig) -> Iterator[str]:
    yield f"# {rig.about}"
    bpm = int(rig.bpm) if rig.bpm.denominator == 1 else float(rig.bpm)
    yield _said("bpm", bpm, "the tempo until the clock leads" if rig.clock != "internal" else "")
    if rig.clock != "internal":
        yield _said("clock", rig.clock, "who leads; internal: the tempo above")
    yield _said("count_in_bars", 1, "bars of clicks before you start")
    yield "players:"
    for number, voice in enumerate(rig.voices, 1):
        yield _said("  - name", voice.name, f"its controllers are on MIDI channel {number}")
        yield _said("    instrument", voice.instrument)
        if len(rig.voices) > 1:
            yield _said("    level", BAND_LEVEL_DB, "dB")
        if rig.steps is not None:
            yield _said("    steps", rig.steps, "more is better and slower")
    if rig.port is not None:
        yield "midi:" if rig.port else _noted("midi: {}", "connect your controller to `companion`")
        if rig.port:
            yield _said("  port", _quoted(rig.port), "part of the port's name")
    yield "osc:"
    yield _said("  port", 9000, f"/companion/{rig.voices[0].name}/guidance_audio 4.0")
    if rig.input is not None:
        yield "audio:"
        yield _said("  input", _quoted(rig.input), "part of the device's name")


def _said(key: str, value: float | str, comment: str = "") -> str:
    return _noted(f"{key}: {value}", comment)


def _noted(line: str, comment: str) -> str:
    return f"{line:{_COLUMN}}# {comment}" if comment else line


def _quoted(text: str) -> str:
    """A printable text as YAML has it, whatever it is."""
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
