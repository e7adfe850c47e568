"""What the page asks for: one line of JSON each, checked, and done.

`{"set": KNOB, "player": NAME or null, "value": VALUE}` turns a knob; a trigger's value is true.
`{"learn": "enter"}`, `"leave"`, `"choose"` with `player` and `knob`, `"forget"` with `mapping`.
`{"preset": NAME}` switches.

*Threading*: `read` and `turn` never wait. `Slow` commands may: they are done elsewhere.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from companion.control.learn import Learn
from companion.control.store import ParameterStore
from companion.session.set_list import SetList
from companion.stage.sections import mapping_section
from companion.system.errors import CompanionError, shown

MAX_CHARACTERS = 1024
"""Of a command."""
MAX_NAME = 200
RATE, BURST = 200.0, 400.0
"""Commands a second, and at once: more than all fingers on all knobs."""
SOURCE = "page"
"""Who moves knobs here."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A knob of a player (None: of the rig) is to have a value."""

    knob: str
    player: str | None
    value: float | bool | str


@dataclass(frozen=True, slots=True)
class Slow:
    """Something that may take a while."""

    do: Callable[[], object]


class Allowance:
    """How many commands a page may send."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """A whole burst; `clock` gives monotonic seconds."""
        self._clock, self._left, self._at_s = clock, BURST, clock()

    def take(self) -> bool:
        """Whether one more may come."""
        now_s = self._clock()
        self._left = min(BURST, self._left + RATE * (now_s - self._at_s)) - 1.0
        self._at_s = now_s
        return self._left >= 0.0


def read(text: str, learn: Learn | None, presets: SetList | None) -> Turn | Slow:
    """A command.

    Raises:
        CompanionError: it is none.
    """
    if len(text) > MAX_CHARACTERS:
        raise CompanionError(f"{len(text)} characters; valid: up to {MAX_CHARACTERS}")
    try:
        given = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise CompanionError(f"{shown(text[:40])} is no JSON") from error
    if isinstance(given, dict):
        if "set" in given:
            return Turn(_name(given, "set"), _player(given), _value(given.get("value")))
        if "learn" in given and learn is not None:
            return Slow(_learning(given, learn))
        if "preset" in given and presets is not None:
            name = _name(given, "preset")
            return Slow(lambda: presets.switch(name))
    raise CompanionError(f"{shown(text[:40])} is no command")


def turn(store: ParameterStore, command: Turn) -> None:
    """Set the knob; CompanionError if there is none, or it takes no such value."""
    store.set(command.knob, command.value, command.player, SOURCE)


def _learning(given: dict[str, Any], learn: Learn) -> Callable[[], object]:
    what = _name(given, "learn")
    if what == "enter":
        return learn.enter
    if what == "leave":
        return learn.leave
    if what == "choose":
        player, knob = _player(given), _name(given, "knob")
        return lambda: learn.choose(player, knob)
    if what == "forget":
        wanted = given.get("mapping")

        def forget() -> None:
            for each in learn.state().mappings:
                if mapping_section(each) == wanted:
                    learn.forget(each.mapping)
                    return
            raise CompanionError(f"there is no controller {shown(wanted)} any more")

        return forget
    raise CompanionError(f"learn is {shown(what)}; valid: enter, leave, choose, forget")


def _name(given: dict[str, Any], key: str) -> str:
    name = given.get(key)
    if not isinstance(name, str) or not 0 < len(name) <= MAX_NAME:
        raise CompanionError(f"{key} is {shown(name)}; valid: a name")
    return name


def _player(given: dict[str, Any]) -> str | None:
    return None if given.get("player") is None else _name(given, "player")


def _value(value: Any) -> float | bool | str:
    if isinstance(value, (bool, int, float)) or (isinstance(value, str) and len(value) <= MAX_NAME):
        return value
    raise CompanionError(f"value is {shown(value)}; valid: a number, true, false or a text")
