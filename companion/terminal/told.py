"""What the view has been told of the session, message by message, and what it has asked for.

*Threading*: belongs to the thread of the view.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import Any

from companion.control.parameters import Parameter, Value

ASKED_S = 0.4
"""For so long what was asked for is shown, until it is told what is so."""
SAID_S = 6.0
"""How long an answer stands."""
ALL = "*"
KINDS = {"cc": "CC", "cc14": "14-bit CC", "nrpn": "NRPN", "bend": "pitch bend"}
OF_A_CHANNEL = ("bend", "pressure")


class Told:
    """The session, as far as it is known here.

    Attributes:
        names: of the players.
        table: every knob by player's or rig's scope and name, in the table's order.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        """Nothing known yet; `clock` gives monotonic seconds."""
        self._clock = clock
        self.opening: Mapping[str, Any] = {}
        self.parts: dict[str, Any] = {}
        self.moving: Mapping[str, Any] = {}
        self.names: tuple[str, ...] = ()
        self.table: tuple[Parameter, ...] = ()
        self._asked: dict[tuple[str | None, str], tuple[Value, float]] = {}
        self._said = "", float("-inf")

    def take(self, message: Mapping[str, Any]) -> None:
        """Take a message in."""
        if message["kind"] == "hello":
            self.opening = message["opening"]
            self.names = tuple(self.opening["names"])
            self.table = tuple(
                Parameter(**{**row, "choices": tuple(row["choices"])})
                for row in self.opening["table"]
            )
            self.parts = {}
            message = message["state"]
        if message["kind"] == "state":
            self.moving = message["moving"]
            self.parts.update(message)
        elif message["kind"] == "saved":
            self.say(f"saved as {message['file']}")
        elif message["kind"] in ("refused", "there"):
            self.say(message["why"])

    # --- knobs -----------------------------------------------------------------------------------

    def knobs(self, player: str | None) -> list[Parameter]:
        """Those of a player, or of the rig."""
        scope = "rig" if player is None else "player"
        return [knob for knob in self.table if knob.scope == scope]

    def knob(self, player: str | None, name: str) -> Parameter:
        """One of them."""
        return next(knob for knob in self.knobs(player) if knob.name == name)

    def value(self, player: str | None, name: str) -> Value:
        """What was asked for a moment ago, else what is so."""
        asked, until_s = self._asked.get((player, name), (False, float("-inf")))
        return asked if self._clock() < until_s else self.parts["knobs"][player or ""][name]

    def asked(self, player: str | None, name: str, value: Value) -> None:
        """This was asked for just now."""
        self._asked[player, name] = value, self._clock() + ASKED_S

    # --- learning --------------------------------------------------------------------------------

    @property
    def learn(self) -> Mapping[str, Any] | None:
        """Learn mode; None without MIDI."""
        return self.parts.get("learn")

    @property
    def learning(self) -> bool:
        """Whether it is on."""
        return bool(self.learn and self.learn["on"])

    def bound(self, player: str | None, name: str) -> list[Mapping[str, Any]]:
        """The controllers that turn a knob."""
        of = (player,) if player is None else (player, ALL)
        mappings = self.learn["mappings"] if self.learn else ()
        return [each for each in mappings if each["knob"] == name and each["player"] in of]

    def waits(self, player: str | None, name: str) -> Value | None:
        """The value that a knob's controller has to come to first; None if to none."""
        waiting = (pair for each in self.bound(player, name) for pair in each["waits"])
        return next((value for of, value in waiting if of == player), None)

    # --- what is said ----------------------------------------------------------------------------

    def say(self, text: str) -> None:
        """Show an answer for a while."""
        self._said = text, self._clock() + SAID_S

    @property
    def said(self) -> str:
        """The last answer; empty where none is to be shown any more."""
        text, until_s = self._said
        return text if self._clock() < until_s else ""


def control(mapping: Mapping[str, Any]) -> str:
    """A mapping's controller in short."""
    kind, channel = mapping["kind"], mapping["channel"]
    number = "" if kind in OF_A_CHANNEL else f" {mapping['number']}"
    name = KINDS.get(kind, kind.replace("_", " "))
    return f"{name}{number}{'' if channel is None else f' ch {channel}'}"
