"""Solo: one player is heard, the others are muted until it is let go.

It is over as well once anybody has moved a mute knob, or a preset has: then all stays as it is.

*Threading*: any thread may call anything.
"""

from __future__ import annotations

import threading

from companion.control.store import ParameterStore
from companion.system.errors import CompanionError, shown


class Solo:
    """Who alone is heard, and which players were muted before."""

    def __init__(self, store: ParameterStore) -> None:
        """Nobody is."""
        self._store, self._lock = store, threading.Lock()
        self._player: str | None = None
        self._before: dict[str, bool] = {}

    @property
    def player(self) -> str | None:
        """Who is heard alone; None where it is nobody."""
        with self._lock:
            return self._now()[0]

    @property
    def mutes(self) -> dict[str, bool]:
        """Which players are muted when it is let go."""
        with self._lock:
            return self._now()[1]

    def toggle(self, player: str, source: str) -> None:
        """Have a player heard alone, or let it go; CompanionError if there is no such player.

        `source` is who says so.
        """
        if player not in self._store.players:
            valid = ", ".join(self._store.players)
            raise CompanionError(f"there is no player {shown(player)}; valid: {valid}")
        with self._lock:
            now, before = self._now()
            self._player, self._before = None if player == now else player, before
            for name, muted in before.items():
                alone = self._player is not None
                self._store.set("mute", name != player if alone else muted, name, source)

    def _now(self) -> tuple[str | None, dict[str, bool]]:
        store = self._store
        mutes = {name: bool(store.snapshot(name)["mute"]) for name in store.players}
        if self._player is not None and mutes == {n: n != self._player for n in mutes}:
            return self._player, self._before
        return None, mutes
