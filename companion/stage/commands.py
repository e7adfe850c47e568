"""What the page asks for: one line of JSON each, checked, and done.

`{"set": KNOB, "player": NAME or null, "value": VALUE}` turns a knob; a trigger's value is true.
`{"learn": "enter"}`, `"leave"`, `"choose"` with `player` and `knob`, `"forget"` with `mapping`.
`{"preset": NAME}` switches. `{"save": NAME, "over": true or false}` saves how the rig stands, and
is answered. `{"solo": NAME}` has a player heard alone, or lets it go.

*Threading*: `read`, `turn` never wait. `Slow` commands may: `do` has them done in other threads.
"""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from companion.control.learn import Learn
from companion.control.preset_save import AlreadyThere, saved_name
from companion.control.store import ParameterStore
from companion.session.set_list import SetList
from companion.stage.sections import Watched, mapping_section
from companion.system.errors import CompanionError, one_line, shown

MAX_CHARACTERS = 1024
"""Of a command."""
MAX_NAME = 200
RATE, BURST = 200.0, 400.0
"""Commands a second, and at once: more than all fingers on all knobs."""
SOURCE = "page"
"""Who moves knobs on the page."""


Answer = dict[str, Any]
"""What only who asked is told: `kind`, and more, ready for JSON."""


@dataclass(frozen=True, slots=True)
class Turn:
    """A knob of a player (None: of the rig) is to have a value."""

    knob: str
    player: str | None
    value: float | bool | str


@dataclass(frozen=True, slots=True)
class Slow:
    """Something that may take a while; what it returns, if anything, is the answer."""

    do: Callable[[], Answer | None]


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


def read(
    text: str, learn: Learn | None, presets: SetList | None, source: str = SOURCE
) -> Turn | Slow:
    """A command of `source`, who moves knobs.

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
        if "solo" in given and presets is not None:
            player = _name(given, "solo")
            return Slow(lambda: presets.solo.toggle(player, source))
        if "save" in given and presets is not None:
            return Slow(_saving(given, presets))
    raise CompanionError(f"{shown(text[:40])} is no command")


async def do(text: str, watched: Watched | None, source: str = SOURCE) -> Answer | None:
    """Do what `source` asks for in a session; the answer, if there is one.

    Raises:
        CompanionError: it cannot be done.
    """
    if watched is None:
        raise CompanionError("nothing plays yet")
    command = read(text, watched.learn, watched.presets, source)
    if not isinstance(command, Slow):
        turn(watched.session.store, command, source)
        return None
    try:
        return await asyncio.to_thread(command.do)
    except CompanionError:
        raise
    except Exception as error:  # nothing that is asked for may end this
        raise CompanionError(one_line(error)) from error


def turn(store: ParameterStore, command: Turn, source: str = SOURCE) -> None:
    """Set the knob; CompanionError if there is none, or it takes no such value."""
    store.set(command.knob, command.value, command.player, source)


def _saving(given: dict[str, Any], presets: SetList) -> Callable[[], Answer]:
    name, over = saved_name(_name(given, "save")), given.get("over") is True

    def save() -> Answer:
        try:
            file = presets.save(name, over)
        except AlreadyThere as error:
            return {"kind": "there", "name": name, "why": str(error)}
        return {"kind": "saved", "name": name, "file": str(file)}

    return save


def _learning(given: dict[str, Any], learn: Learn) -> Callable[[], None]:
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
