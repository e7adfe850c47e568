"""MIDI learn over OSC: a patch chooses the knob that the next controller is bound to.

`/companion/learn 1` or `0` enters and leaves learn mode. `/companion/learn/choose PLAYER KNOB`, or
`KNOB` alone for the rig's, chooses a knob without moving it; `/companion/learn/forget` with the
same unbinds what turns it. Told are `/companion/learn`, and `/companion/learn/mapping PLAYER KNOB
TEXT` for each knob that is bound: no player for the rig's, no text for one that is bound no more.

*Threading*: commands come from the thread that receives; `news` belongs to one thread, `messages`
may be called from any.
"""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from typing import Any, Protocol

from companion.control.osc import OscKnobs
from companion.control.osc_packet import Message
from companion.control.osc_turning import ROOT
from companion.system.errors import CompanionError

LEARN = "learn"


class Bound(Protocol):
    """What is bound to a knob; as text, the control."""

    @property
    def player(self) -> str | None:
        """Whose knob, None for the rig's."""
        ...

    @property
    def parameter(self) -> str:
        """The knob."""
        ...


class Learning(Protocol):
    """Learn mode; any thread may call anything."""

    @property
    def on(self) -> bool:
        """Whether it is on."""
        ...

    def enter(self) -> None:
        """Be on."""
        ...

    def leave(self) -> None:
        """Be off."""
        ...

    def choose(self, player: str | None, knob: str) -> None:
        """The next control is for this knob; CompanionError if there is none."""
        ...

    def mappings(self) -> Sequence[Any]:
        """All that is bound, each a `Bound`; another sequence once any is another."""
        ...

    def forget(self, mapping: Any) -> None:
        """Bind it no more; CompanionError if it cannot be unbound."""
        ...


class OscLearn:
    """Learn mode's commands, and what is told of it."""

    def __init__(self, knobs: OscKnobs, learn: Learning) -> None:
        """Take commands at once; nothing told yet."""
        self._learn = learn
        self._told_on: bool | None = None
        self._seen: Sequence[Any] | None = None
        self._told: dict[tuple[str, str], str] = {}
        knobs.on(LEARN, self._switch)
        knobs.on(f"{LEARN}/choose", self._choose)
        knobs.on(f"{LEARN}/forget", self._forget)

    def messages(self) -> list[Message]:
        """How it is now."""
        texts = _texts(self._learn.mappings())
        return [_switched(self._learn.on), *(_bound(*each) for each in texts.items())]

    def news(self) -> list[Message]:
        """What is another way than at the last call."""
        on, mappings = self._learn.on, self._learn.mappings()
        found: list[Message] = [] if on == self._told_on else [_switched(on)]
        self._told_on = on
        if mappings is not self._seen:
            texts, before = _texts(mappings), self._told
            gone = {knob: "" for knob in before if knob not in texts}
            changed = {k: text for k, text in texts.items() if before.get(k) != text}
            found += (_bound(*each) for each in (gone | changed).items())
            self._seen, self._told = mappings, texts
        return found

    def _switch(self, arguments: tuple[Any, ...], _: Hashable) -> None:
        (on,) = arguments if len(arguments) == 1 else (None,)
        if not isinstance(on, (int, float)):
            raise CompanionError(f"{arguments!r}; valid: 1 or 0")
        if on >= 0.5:
            self._learn.enter()
        else:
            self._learn.leave()

    def _choose(self, arguments: tuple[Any, ...], _: Hashable) -> None:
        self._learn.choose(*_knob(arguments))

    def _forget(self, arguments: tuple[Any, ...], _: Hashable) -> None:
        knob = _knob(arguments)
        found = [m for m in self._learn.mappings() if (m.player, m.parameter) == knob]
        if not found:
            raise CompanionError(f"nothing is bound to {' '.join(filter(None, knob))}")
        for mapping in found:
            self._learn.forget(mapping)


def _knob(arguments: tuple[Any, ...]) -> tuple[str | None, str]:
    """Player, if any, and knob."""
    if not 1 <= len(arguments) <= 2 or not all(isinstance(each, str) for each in arguments):
        raise CompanionError(f"{arguments!r}; valid: a player and a knob, or a knob of the rig")
    *player, knob = arguments
    return (player[0] or None) if player else None, knob


def _texts(mappings: Sequence[Any]) -> dict[tuple[str, str], str]:
    """What is bound to each knob, as text."""
    found: dict[tuple[str, str], list[str]] = {}
    for each in mappings:
        found.setdefault((each.player or "", each.parameter), []).append(str(each))
    return {knob: ", ".join(texts) for knob, texts in found.items()}


def _switched(on: bool) -> Message:
    return f"/{ROOT}/{LEARN}", (on,)


def _bound(knob: tuple[str, str], text: str) -> Message:
    return f"/{ROOT}/{LEARN}/mapping", (*knob, text)
