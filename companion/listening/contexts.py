"""The folder that a study is made of: recordings without the stem, and one file that says of them
what a player has to know.

    contexts.yaml      rock: {bpm: 95, instrument: guitar}
                       ballad: {bpm: 72, instrument: bass, start: 1.25, cycle: 8}
    rock.wav           the mix without the stem
    rock.stem.wav      what a person played to it; may be missing
    ballad.flac        WAV, FLAC, OGG, AIFF or MP3

`start` is where the first bar begins, in seconds, 0 unless it is given; `cycle` the number of bars
after which the music repeats, 4 unless it is given. The meter is 4/4.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.control.parameters import parameter
from companion.control.yaml_text import read_yaml
from companion.system.errors import CompanionError, nearest, shown
from model.instruments import INSTRUMENTS

LIST = "contexts.yaml"
KINDS = (".wav", ".flac", ".ogg", ".aiff", ".aif", ".mp3")
HUMAN = ".stem"
"""Stands before the ending in the name of the file of what a person played."""
KEYS = ("bpm", "instrument", "start", "cycle")
MOST = 200
"""Contexts of a study; more are a mistake."""
BEATS_PER_BAR = 4


@dataclass(frozen=True, slots=True)
class Context:
    """One recording to play along with.

    Attributes:
        name: of the file, without its ending.
        file: the mix without the stem.
        human: the stem that a person played to it; None if there is none.
        bpm: its tempo, 40..240.
        instrument: what is to be played, one of `model.instruments.INSTRUMENTS`.
        start_s: where its first bar begins.
        cycle: bars after which it repeats, 1..16.
    """

    name: str
    file: Path
    human: Path | None
    bpm: float
    instrument: str
    start_s: float = 0.0
    cycle: int = 4

    @property
    def bar_s(self) -> float:
        """Seconds of a bar."""
        return BEATS_PER_BAR * 60.0 / self.bpm


def read_contexts(folder: Path) -> tuple[Context, ...]:
    """The contexts in a folder, in the order of their names.

    Raises:
        CompanionError: the list or a recording is missing, or something in the list is not valid.
    """
    path = folder / LIST
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise CompanionError(
            f"cannot read {str(path)!r} ({error}); valid: a line for each recording beside it, "
            "as in rock: {bpm: 95, instrument: bass}"
        ) from error
    content = read_yaml(text, str(path))
    if not isinstance(content, dict) or not 1 <= len(content) <= MOST:
        raise CompanionError(f"{path} is {shown(content)}; valid: 1 to {MOST} recordings by name")
    return tuple(_context(folder, str(name), content[name]) for name in sorted(content, key=str))


def _context(folder: Path, name: str, told: object) -> Context:
    where = f"{folder / LIST}: {shown(name)[1:-1]}"
    if not re.fullmatch(r"[\w-]{1,64}", name):
        raise CompanionError(f"{where} is no name; valid: 1 to 64 letters, digits, _ and -")
    if not isinstance(told, Mapping):
        raise CompanionError(f"{where} is {shown(told)}; valid: {{bpm: 95, instrument: bass}}")
    for key in told:
        if key not in KEYS:
            close = nearest(str(key), KEYS)
            raise CompanionError(
                f"{where} has the unknown key {shown(key)}{close}; valid: {', '.join(KEYS)}"
            )
    instrument = told.get("instrument")
    if instrument not in INSTRUMENTS:
        close = nearest(str(instrument), INSTRUMENTS)
        raise CompanionError(
            f"{where}: instrument is {shown(instrument)}{close}; valid: {', '.join(INSTRUMENTS)}"
        )
    cycle = parameter("cycle")
    return Context(
        name,
        _recording(folder, name, where),
        _sound(folder, name + HUMAN),
        _number(where, "bpm", told.get("bpm"), MIN_BPM, MAX_BPM),
        str(instrument),
        _number(where, "start", told.get("start", 0.0), 0.0, 3600.0),
        int(_number(where, "cycle", told.get("cycle", 4), cycle.minimum, cycle.maximum, True)),
    )


def _number(
    where: str, key: str, value: object, least: float, most: float, whole: bool = False
) -> float:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most or (whole and value != round(value)):  # type: ignore[operator, call-overload]
        kind = "a whole number " if whole else ""
        raise CompanionError(
            f"{where}: {key} is {shown(value)}; valid: {kind}from {least:g} to {most:g}"
        )
    return float(value)  # type: ignore[arg-type]


def _recording(folder: Path, name: str, where: str) -> Path:
    found = _sound(folder, name)
    if found is None:
        kinds = ", ".join(KINDS)
        raise CompanionError(f"{where} has no recording; valid: {folder / name} with {kinds}")
    return found


def _sound(folder: Path, name: str) -> Path | None:
    """The sound file of that name, whatever its kind; CompanionError if there are several."""
    found = [path for kind in KINDS if (path := folder / f"{name}{kind}").is_file()]
    if len(found) > 1:
        raise CompanionError(f"{folder} has {', '.join(p.name for p in found)}; valid: one of them")
    return found[0] if found else None
