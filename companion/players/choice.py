"""Who is planned next, and for which bar.

All players that want a plan are planned together, for the same bar. Where it would take longer than
a bar to make all that is wished for, those come first that run out of sound first, and the others
with the next round: a slow machine renews one player after the other, as long as each is renewed
before its plan has been played.

The bar is the earliest that a plan of full quality can be ready for, with two limits:

- at most one bar after the earliest that *any* plan can be ready for;
- never past the end of what a player has to play: it would have to repeat itself.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import ceil

from companion.control.store import Snapshot
from companion.generate.budget import Budget, Wish
from companion.generate.effort import Effort
from companion.generate.protocol import Ready
from companion.players.desk import Desk
from companion.players.layout import lay_out
from companion.players.player import Player
from companion.players.settings import effort_of, stem_count
from model.abilities import Abilities


class Choice:
    """Chooses players and bar by what plans cost."""

    def __init__(self, desk: Desk) -> None:
        """Nobody to choose from."""
        self._transport, self._harmony = desk.transport, desk.harmony
        self._budget = Budget(None)
        self._abilities, self._max_frames, self._count = Abilities(), 0, 0

    def prepare(self, players: Sequence[Player], ready: Ready, budget: Budget) -> None:
        """Of these players, with such a generator, by what plans cost."""
        self._count, self._budget = len(players), budget
        self._abilities, self._max_frames = ready.abilities, ready.max_frames

    def of(
        self, wanting: Sequence[Player], knobs: Mapping[str, Snapshot], now: int
    ) -> tuple[list[Player], int]:
        """Of those that want a plan, at least one, those of the next round; and its bar.

        Args:
            wanting: in the players' order, as is what comes back.
            knobs: of each, by name.
            now: stream sample.
        """
        chosen = self._players(wanting, knobs, now)
        return chosen, self._first_bar(chosen, knobs, now)

    def effort(self, player: Player, knobs: Snapshot) -> Effort:
        """What a player's knobs wish for of the generator there is."""
        can = self._abilities
        untold = set()
        if not self._harmony.told:
            untold.add("harmony")
        if not player.sounds.told(knobs).size:
            untold.add("sound")
        sources = [source for source in can.sources if source not in untold]
        return effort_of(knobs, sources, can.in_depth, can.guided)

    def _players(
        self, wanting: Sequence[Player], knobs: Mapping[str, Snapshot], now: int
    ) -> list[Player]:
        """Those that can be made within a bar as their knobs wish.

        At least all that have not played yet, which join in together, and so many that each is
        planned anew before its last plan has been played.
        """
        rate = self._transport.rate
        at_s, bar_s = now / rate, float(self._transport.bar_samples) / rate
        planned_bars = lay_out(wanting[0].planner.stem.grid, 0, self._max_frames).bars
        least = ceil(self._count / planned_bars)
        chosen: list[Player] = []
        for player in sorted(wanting, key=lambda player: player.planner.stem.clips.end_bar):
            waits = player.planner.stem.begun and len(chosen) >= least
            if waits and self._budget.all_s(self._wishes([*chosen, player], knobs), at_s) > bar_s:
                break
            chosen.append(player)
        return [player for player in wanting if player in chosen]

    def _first_bar(self, chosen: Sequence[Player], knobs: Mapping[str, Snapshot], now: int) -> int:
        """The bar to plan for; see the module."""
        bars, wishes = chosen[0].planner.bars, self._wishes(chosen, knobs)
        rate = self._transport.rate
        least_s = self._budget.least_s(wishes, now / rate)
        all_s = self._budget.all_s(wishes, now / rate)
        soonest = bars.first_bar(now + ceil(least_s * rate))
        best = bars.first_bar(now + ceil(all_s * rate))
        ends = [end for player in chosen if (end := player.planner.stem.clips.end_bar) > 0]
        return max(soonest, min([best, soonest + 1, *ends]))

    def _wishes(self, players: Sequence[Player], knobs: Mapping[str, Snapshot]) -> list[Wish]:
        """What would be asked for, stem by stem, if plans were as long as the last ones."""
        wishes: list[Wish] = []
        for player in players:
            own = knobs[player.name]
            wishes += [replace(player.usual, effort=self.effort(player, own))] * stem_count(own)
        return wishes
