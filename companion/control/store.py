"""The knobs' values: what everything else reads and MIDI and OSC set.

*Threading*: any thread may call anything; a lock is held for microseconds and never while waiting.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from functools import partialmethod
from types import MappingProxyType
from typing import Any

from companion.control.buttons import Buttons
from companion.control.parameters import PARAMETERS, Parameter, Value, parameter
from companion.system.errors import CompanionError

Snapshot = Mapping[str, Value]
"""Values by name, unchanging."""
KEPT_CHANGES = 10_000
KEPT_PULLS = 64
KEPT_REFUSALS = 16
"""About so many different things refusals are told apart between two looks."""
ALL = "*"
OWN = frozenset({"preset", "clock", "found", "undo"})
"""Who moves knobs from inside the companion: the performance lock is for everybody else."""


@dataclass(frozen=True, slots=True)
class Change:
    """A knob was moved."""

    name: str
    player: str | None  # None for a knob of the rig
    old: Value
    new: Value
    source: str  # who moved it: midi, osc, ...
    hand: Hashable = None  # which button or fader of which sender, where that is known


@dataclass(frozen=True, slots=True)
class Refusal:
    """Messages that turned no knob."""

    about: str  # what they were said to, such as an address; empty if nothing is known, or of many
    why: str  # of the last, one line
    times: int  # how many


class ParameterStore:
    """Values of the rig's knobs and of each player's.

    Attributes:
        refused: how much was refused so far, and why the last of it.
        moved: set with every change; cleared by who waits for one.
    """

    def __init__(
        self,
        rig: Mapping[str, Value],
        players: Mapping[str, Mapping[str, Value]],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Start from a preset's values; what it does not name has the table's default.

        Args:
            rig: values of the rig's knobs.
            players: values of each player's knobs, by its name.
            clock: monotonic seconds, at which triggers are pulled.

        Raises:
            CompanionError: an unknown knob or a value outside its range.
        """
        self._lock = threading.RLock()
        # A knob that moves makes new values of its player's: who has a snapshot keeps the old.
        self._values: dict[str | None, dict[str, Value]] = {None: _start("rig", rig)}
        for name, given in players.items():
            self._values[name] = _start("player", given)
        self._clock = clock
        self._pulled: dict[tuple[str | None, str], deque[float]] = {}
        self._buttons = Buttons()
        self._changes: deque[Change] = deque(maxlen=KEPT_CHANGES)
        self.moved = threading.Event()
        self.refused = 0, ""
        self._refusals: dict[str, Refusal] = {}  # since the last look, by what they are about

    @property
    def players(self) -> tuple[str, ...]:
        """Names of the players, in order."""
        return tuple(name for name in self._values if name is not None)

    def snapshot(self, player: str | None = None) -> Snapshot:
        """All values of a player, or of the rig, as they are now."""
        return MappingProxyType(self._values[player])

    def set(
        self,
        name: str,
        value: Any,
        player: str | None,
        source: str,
        hand: Hashable = None,
        at_s: float | None = None,
        read: Callable[[Parameter, Any], Value] = Parameter.check,
    ) -> None:
        """Set a knob of the rig (player None), of one player or of all (`*`).

        Args:
            source: who says so: midi, osc, ...
            hand: which button or fader of which sender says so. A trigger under a hand is pulled
                when it goes down, see `Buttons`; under none by every value that is on.
            at_s: when that was, monotonic seconds; None for now.
            read: what the knob makes of the value.

        Raises:
            CompanionError: no such knob or player, or no value for it.
        """
        for knob, target in self._targets(name, player):
            self._put(knob, target, read(knob, value), source, hand, at_s)

    set_number = partialmethod(set, read=Parameter.clamp)
    """The same from a plain number: clamped, switches from 0.5 up, choices by index."""
    set_position = partialmethod(set, read=Parameter.at)
    """The same from a controller's position, 0..1, along the knob's curve."""

    def take_trigger(self, player: str | None, name: str) -> bool:
        """Whether a player's trigger, or one of the rig, was pulled since the last call."""
        return bool(self.take_pulls(player, name))

    def take_pulls(self, player: str | None, name: str) -> tuple[float, ...]:
        """The monotonic times at which it was pulled since the last call, the last 64."""
        if (player, name) not in self._pulled:
            return ()
        with self._lock:
            return tuple(self._pulled.pop((player, name), ()))

    def drain(self) -> list[Change]:
        """Every change since the last call, oldest first."""
        with self._lock:
            changes = list(self._changes)
            self._changes.clear()
            return changes

    def refuse(self, why: str, about: str = "") -> None:
        """Say that something which was to turn a knob made no sense, in one line.

        `about` is what was said it to, such as an address: chatter there hides no other.
        """
        with self._lock:
            self.refused = self.refused[0] + 1, why
            if about not in self._refusals and len(self._refusals) >= KEPT_REFUSALS:
                about = ""
            before = self._refusals.get(about)
            self._refusals[about] = Refusal(about, why, 1 if before is None else before.times + 1)

    def drain_refusals(self) -> list[Refusal]:
        """What was refused since the last call, by what it was about."""
        with self._lock:
            refusals, self._refusals = self._refusals, {}
            return list(refusals.values())

    def _targets(self, name: str, player: str | None) -> list[tuple[Parameter, str | None]]:
        knob = parameter(name, "rig" if player is None else "player")
        if player is None:
            return [(knob, None)]
        if player == ALL:
            return [(knob, each) for each in self.players]
        if player not in self._values:
            valid = ", ".join((*self.players, ALL))
            raise CompanionError(f"there is no player {player!r}; valid: {valid}")
        return [(knob, player)]

    def _put(
        self,
        knob: Parameter,
        player: str | None,
        value: Value,
        source: str,
        hand: Hashable,
        at_s: float | None,
    ) -> None:
        at_s = self._clock() if at_s is None else at_s
        with self._lock:
            if knob.kind == "trigger" and hand is not None:
                button = (source, hand, player, knob.name)
                value = self._buttons.goes_down(button, bool(value), at_s)
            old = self._values[player][knob.name]
            if knob.locks and self._values[None]["lock"] and source not in OWN:
                if value != old:
                    of = knob.name if player is None else f"{knob.name} of {player}"
                    self.refuse(f"locked: {of} stays as it is", of)
                return
            if knob.kind == "trigger":
                if not value:
                    return
                pulls = self._pulled.setdefault((player, knob.name), deque(maxlen=KEPT_PULLS))
                pulls.append(at_s)
            elif old == value:
                return
            else:
                self._values[player] = {**self._values[player], knob.name: value}
            self._changes.append(Change(knob.name, player, old, value, source, hand))
            self.moved.set()


def _start(scope: str, given: Mapping[str, Value]) -> dict[str, Value]:
    values = {knob.name: knob.default for knob in PARAMETERS if knob.scope == scope}
    for name, value in given.items():
        knob = parameter(name, "rig" if scope == "rig" else "player")
        values[name] = knob.check(value)
    return values
