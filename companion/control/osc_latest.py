"""What was told last at each address, for who comes later and asks for all of it.

*Threading*: any thread may call anything.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable, Iterable

from companion.control.osc_out import Messages
from companion.control.osc_packet import Argument, Message

MOST = 1000
"""Addresses that are kept: more than there are."""


class Latest:
    """Hears what is told."""

    def __init__(self, but: Iterable[str] = ()) -> None:
        """Nothing told yet; `but` are addresses of what is known better elsewhere."""
        self._but = frozenset(but)
        self._lock = threading.Lock()
        self._told: dict[str, tuple[Argument, ...]] = {}

    def tell(self, messages: Messages, by: Hashable = None) -> None:
        """Keep what is told in place of what was."""
        with self._lock:
            for address, arguments in messages:
                known = address in self._told or len(self._told) < MOST
                if known and address not in self._but:
                    self._told[address] = tuple(arguments)

    def at(self, address: str) -> tuple[Argument, ...] | None:
        """What was told last at an address; None for nothing."""
        with self._lock:
            return self._told.get(address)

    def messages(self) -> list[Message]:
        """All that was told last."""
        with self._lock:
            return list(self._told.items())
