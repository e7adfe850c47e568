"""Which knobs an OSC address means, and what becomes of its values.

`/companion/<player>/<knob>`, `/companion/<knob>` for the rig, and each with `/normalised` behind
it, where 0 to 1 is a controller's way from one end to the other. Parts may be patterns, see
`osc_pattern`.

*Threading*: any thread may call anything.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from typing import Any

from companion.control.osc_packet import IMPULSE, Message
from companion.control.osc_pattern import is_pattern, matching
from companion.control.parameters import BY_NAME, PARAMETERS, Parameter, Value
from companion.control.store import ALL, ParameterStore
from companion.system.errors import CompanionError

ROOT = "companion"
NORMALISED = "normalised"
"""Last part of an address whose value is 0 to 1."""
_RIG_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "rig")
_PLAYER_KNOBS = tuple(knob.name for knob in PARAMETERS if knob.scope == "player")


def is_root(part: str) -> bool:
    """Whether the first part of an address means the companion."""
    if not is_pattern(part):
        return part == ROOT
    try:
        return bool(matching(part, (ROOT,)))
    except ValueError:
        return False


def knob_messages(name: str, player: str | None, value: Value) -> tuple[Message, Message]:
    """A knob's value at the address that turns it, and the same from 0 to 1."""
    knob = BY_NAME[name]
    address = knob.address(player)
    return (address, (value,)), (f"{address}/{NORMALISED}", (knob.position(value),))


def all_knob_messages(store: ParameterStore, player: str | None) -> list[Message]:
    """Those of every knob of a player, or of the rig, but triggers, which have no value."""
    values = store.snapshot(player).items()
    return [
        message
        for name, value in values
        if BY_NAME[name].kind != "trigger"
        for message in knob_messages(name, player, value)
    ]


def turn(
    store: ParameterStore,
    address: str,
    arguments: tuple[Any, ...],
    sender: Hashable = None,
    clamps: Callable[[str, str | None], None] = lambda *_: None,
) -> str:
    """Turn the knobs that a message means.

    Args:
        store: has the knobs.
        address: the whole of it.
        arguments: of the message.
        sender: whose it is: a button is held by one hand, see `ParameterStore.set_number`.
        clamps: told name and player of each knob that has another value than was sent.

    Returns:
        What was out of range and is clamped, one line; empty where nothing was.

    Raises:
        CompanionError: no such knob, or no value for one that is meant; the others were turned.
    """
    parts = address.split("/")
    normalised = len(parts) in (4, 5) and parts[-1] == NORMALISED
    if normalised:
        del parts[-1]
    if len(parts) not in (3, 4) or parts[0] or not is_root(parts[1]):
        raise CompanionError(f"unknown address; valid: /{ROOT}/PLAYER/KNOB or /{ROOT}/KNOB")
    players: Iterable[str | None] = (None,)
    if len(parts) == 4:
        players = (ALL,) if parts[2] == ALL else _named("player", parts[2], store.players)
    knobs = _RIG_KNOBS if len(parts) == 3 else _PLAYER_KNOBS
    problem: CompanionError | None = None
    clamped = ""
    for name in _named("knob", parts[-1], knobs):
        for player in players:
            try:
                set_knob = _set_position if normalised else _set
                here = set_knob(store, name, player, arguments, (sender, address))
                if here:
                    clamped = here
                    for each in store.players if player == ALL else (player,):
                        clamps(name, each)
            except CompanionError as error:  # the others that match turn all the same
                problem = problem or error
    if problem is not None:
        raise problem
    return clamped


def _set(
    store: ParameterStore,
    name: str,
    player: str | None,
    arguments: Sequence[Any],
    hand: Hashable,
) -> str:
    knob = BY_NAME.get(name)
    trigger = knob is not None and knob.kind == "trigger"
    if trigger and tuple(arguments) in ((), (IMPULSE,)):
        store.set(name, True, player, "osc")
        return ""
    value = _one(arguments)
    if isinstance(value, (int, float)) and (trigger or not isinstance(value, bool)):
        store.set_number(name, float(value), player, "osc", hand)
        return "" if knob is None else _clamped(knob, value)
    store.set(name, value, player, "osc", hand)
    return ""


def _set_position(
    store: ParameterStore,
    name: str,
    player: str | None,
    arguments: Sequence[Any],
    hand: Hashable,
) -> str:
    value = _one(arguments)
    if not isinstance(value, (int, float)) or value != value:  # no number at all
        raise CompanionError(f"{name} is {value!r}; valid: from 0 to 1")
    store.set_position(name, float(value), player, "osc", hand)
    if 0.0 <= value <= 1.0:
        return ""
    return f"{name} is {value:g}, taken as {min(max(value, 0), 1)}; valid: from 0 to 1"


def _one(arguments: Sequence[Any]) -> Any:
    if len(arguments) != 1:
        raise CompanionError(f"{len(arguments)} values; valid: 1")
    return arguments[0]


def _clamped(knob: Parameter, value: float) -> str:
    """What became of a number outside the knob's range."""
    if knob.kind in ("switch", "trigger") or knob.minimum <= value <= knob.maximum:
        return ""
    return f"{knob.name} is {value:g}, taken as {knob.clamp(value)}; valid: {knob.valid}"


def _named(what: str, part: str, names: Iterable[str]) -> Iterable[str]:
    """The names that a pattern matches, or the part itself where that is none.

    CompanionError for one that cannot be read, or matches nothing.
    """
    if not is_pattern(part):
        return (part,)
    try:
        found = matching(part, names)
    except ValueError as error:
        raise CompanionError(str(error)) from error
    if not found:
        raise CompanionError(f"no {what} matches; valid: {', '.join(names)}")
    return found
