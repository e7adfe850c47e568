"""The five questions of `companion new`, and what their answers mean.

An answer that can mean nothing is a CompanionError of one line that says what would be valid.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TypeVar

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.source import CLOCKS
from companion.control.preset import MAX_PLAYERS
from companion.setup.rig_file import Rig, Voice, voices_of
from companion.system.errors import CompanionError, nearest, shown
from model.instruments import INSTRUMENTS

BAND = ("bass", "drums", "piano")
"""What `band` means, less what you play yourself."""
KEYS = "keys"
"""As the preset calls a piano."""
LEADERS = tuple(clock for clock in CLOCKS if clock != "internal")
MAX_CHARACTERS = 100
"""Of an answer."""

Ask = Callable[[str, str], str]
"""A question and its default -> the answer; empty for the default."""
Tell = Callable[[str], None]
Meant = TypeVar("Meant")


def interview(
    ask: Ask, tell: Tell, ports: Sequence[str], inputs: Sequence[str], patient: bool = True
) -> Rig:
    """Ask all five.

    Args:
        tell: told what there is to choose from, and what is wrong with an answer.
        ports, inputs: names of the MIDI inputs, and of the sound devices with an input.
        patient: ask again after an answer that means nothing; else it is raised.
    """

    def answer(question: str, default: str, meant: Callable[[str], Meant]) -> Meant:
        while True:
            try:
                return meant(_checked(ask(question, default)) or default)
            except CompanionError as error:
                if not patient:
                    raise
                tell(str(error))

    you = answer("What do you play?", "guitar", str)
    tempo = f"At what tempo, or who leads it ({', '.join(LEADERS)})?"
    bpm, clock = answer(tempo, "120", tempo_of)
    voices = answer("Who plays with you?", "band", lambda text: voices_for(text, you))
    _list(tell, ports)
    controller = "Which controller (none, any, a number of the list, part of a name)?"
    port = answer(controller, "none", lambda text: port_of(text, ports))
    _list(tell, inputs)
    sound = "Where does the sound come in (system, a number of the list, part of a name)?"
    source = answer(sound, "system", lambda text: input_of(text, inputs))
    about = f"With {', '.join(voice.name for voice in voices)}, for who plays {you}."
    return Rig(about, voices, bpm, clock, None, port, source)


def tempo_of(text: str) -> tuple[Fraction, str]:
    """A tempo and who leads, from `96`, `tap`, `follow 96` or `midi clock`."""
    words = [word for word in re.split(r"[\s,]+", text.casefold()) if word not in ("bpm", "clock")]
    leaders = [word for word in words if word in LEADERS]
    numbers = [word for word in words if re.fullmatch(r"\d+(\.\d+)?", word)]
    valid = f"{MIN_BPM} to {MAX_BPM}, with or without one of {', '.join(LEADERS)}"
    if not words or len(leaders) > 1 or len(numbers) > 1 or len(words) > len(leaders + numbers):
        raise CompanionError(f"tempo is {shown(text)}; valid: {valid}")
    bpm = Fraction(numbers[0]) if numbers else Fraction(120)
    if not MIN_BPM <= bpm <= MAX_BPM:
        raise CompanionError(f"tempo is {shown(text)}; valid: {valid}")
    return bpm, leaders[0] if leaders else "internal"


def voices_for(text: str, you: str) -> tuple[Voice, ...]:
    """Players from their instruments, or from `band`; `you` is what you play yourself."""
    named = [name for each in text.casefold().split(",") for name in each.split(" and ")]
    named = [name for name in map(str.strip, named) if name]
    instruments: list[str] = []
    for name in named:
        if name == "band":
            own = "piano" if you.casefold() == KEYS else you.casefold()
            instruments += [each for each in BAND if each != own]
        elif name in INSTRUMENTS or name == KEYS:
            instruments.append(name)
        else:
            known = ("band", KEYS, *INSTRUMENTS)
            raise CompanionError(
                f"there is no instrument {shown(name)}{nearest(name, known)}; "
                f"valid: {', '.join(known)}"
            )
    if not 1 <= len(instruments) <= MAX_PLAYERS:
        raise CompanionError(
            f"{len(instruments)} players; valid: 1 to {MAX_PLAYERS} instruments, with commas"
        )
    return voices_of(instruments)


def port_of(text: str, ports: Sequence[str]) -> str | None:
    """A controller's port: None for none, empty for one that any may connect to."""
    if text.casefold() in ("none", "no"):
        return None
    if text.casefold() == "any":
        return ""
    chosen = _chosen(text, ports, "controller", "none, any")
    return re.sub(r"\s+\d+:\d+$", "", chosen)  # ALSA's numbers are others after each replugging


def input_of(text: str, inputs: Sequence[str]) -> str | None:
    """Part of a sound device's name; None for the system's own."""
    if text.casefold() == "system":
        return None
    return _chosen(text, inputs, "input", "system")


def _chosen(text: str, listed: Sequence[str], what: str, words: str) -> str:
    """What a number of a list stands for, or the text itself, which need not be there yet."""
    if not text.isdecimal():
        return text
    if not 1 <= int(text) <= len(listed):
        numbers = f", 1 to {len(listed)}" if listed else ""
        raise CompanionError(f"{what} is {shown(text)}; valid: {words}{numbers}, part of a name")
    return _checked(listed[int(text) - 1][:MAX_CHARACTERS])


def _list(tell: Tell, names: Sequence[str]) -> None:
    for number, name in enumerate(names, 1):
        tell(f"  {number}  {name}")


def _checked(text: str) -> str:
    text = text.strip()
    if len(text) > MAX_CHARACTERS or not text.isprintable():
        raise CompanionError(
            f"answer is {shown(text)}; valid: up to {MAX_CHARACTERS} printable characters"
        )
    return text
