"""Knobs that say something else than a subscriber sent: its fader was pushed past their range.

It knows what it turned itself, and is not told of that; but of this it has to be, or its fader
stays where the knob is not. It is told the value that the knob has when it is told, so that a
stream of such messages ends with the last one being right.

*Threading*: belongs to the thread that receives.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable

from companion.control.osc_allowance import MOST_SENDERS, Allowance
from companion.control.osc_out import Messages
from companion.control.osc_packet import Message
from companion.control.osc_turning import knob_messages
from companion.control.store import ParameterStore


class Clamped:
    """Who is still to be told of which knobs."""

    def __init__(
        self,
        store: ParameterStore,
        answer: Callable[[Hashable, Messages], None],
        allowance: Allowance | None = None,
    ) -> None:
        """Nobody.

        Args:
            store: has the knobs' values.
            answer: tells a sender.
            allowance: how often each may be told.
        """
        self._store, self._answer = store, answer
        self._allowance = Allowance() if allowance is None else allowance
        self._owed: dict[Hashable, dict[tuple[str, str | None], None]] = {}

    def owe(self, sender: Hashable, knob: str, player: str | None) -> None:
        """A sender is to be told of a knob."""
        if sender in self._owed or len(self._owed) < MOST_SENDERS:
            self._owed.setdefault(sender, {})[knob, player] = None

    def tell(self) -> None:
        """Tell each of its knobs, as soon as it may be told; to be called again and again."""
        for sender in [sender for sender in self._owed if self._allowance.take(sender)]:
            told: list[Message] = []
            for knob, player in self._owed.pop(sender):
                told += knob_messages(knob, player, self._store.snapshot(player)[knob])
            self._answer(sender, told)
