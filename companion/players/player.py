"""One player in a session: its planner, and the plans that are on their way to the timeline.

*Threading*: belongs to the session's thread, but for `sounding_in`, which any may call.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from companion.control.parameters import Value
from companion.generate.budget import Wish
from companion.players.decision import BarDecision, Placement, PlanWindow, Sounding
from companion.players.planner import Planner
from model.request import StemResult

KEPT_BARS = 64


@dataclass(frozen=True, slots=True, eq=False)
class Alternatives:
    """The stems of a plan that there is a choice of."""

    window: PlanWindow
    results: Sequence[StemResult]


@dataclass(slots=True)
class Player:
    """One player: its name and voice, its planner, and what is on its way to the timeline.

    Attributes:
        name: of the player.
        number: of its voice in the audio memory, from 1.
        usual: what its last plan was wished to be.
        asked_with: values of the knobs that shaped its last plan; empty before the first.
        gain: its level, linear; 0 when muted.
        gain_taken: that the audio callback has taken so far; -1 before it has run.
        chosen: which of the alternatives sounds, 0 or 1.
        alternatives: of its last plan, if there is a choice.
        early: clips that end further ahead than the timeline reaches, oldest first.
    """

    name: str
    number: int
    planner: Planner
    usual: Wish
    asked_with: tuple[Value, ...] = ()
    gain: float = 1.0
    gain_taken: float = -1.0
    chosen: int = 0
    alternatives: Alternatives | None = None
    early: list[Placement] = field(default_factory=list)
    _decided: dict[int, BarDecision] = field(default_factory=dict)

    def decided(self, decision: BarDecision) -> None:
        """What its stem is in a bar is settled."""
        self._decided[decision.bar] = decision
        self._decided.pop(decision.bar - KEPT_BARS, None)

    def sounding_in(self, bar: int) -> Sounding | None:
        """What its stem is in a bar, None where none is due."""
        decision = self._decided.get(bar)
        if decision is None or (decision.sounding == "silence" and not decision.expected):
            return None
        return decision.sounding

    def overtaken(self, placement: Placement) -> None:
        """A clip was placed: early ones of older plans are void, and after silence all are."""
        newest = placement.epoch
        self.early = [
            each
            for each in self.early
            if newest is not None and each.epoch is not None and each.epoch > newest
        ]
