"""One player in a session: its planner, and the plans that are on their way to the timeline.

*Threading*: belongs to the session's thread, but for `sounding_in`, which any may call.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from companion.control.store import Snapshot
from companion.generate.decision import BarDecision, Placement, PlanWindow, Sounding
from companion.generate.pace import Pace
from companion.generate.planner import Planner

KEPT_BARS = 64


@dataclass(slots=True)
class Voice:
    """See the module.

    Attributes:
        name: of the player.
        number: of its voice in the audio memory, from 1.
        pace: how long its plans take.
        pending: plans that are being made, with the knobs they were asked for with, by epoch.
        early: clips that end further ahead than the timeline reaches, oldest first.
        slack_s: time left when the last plan was ready; None before the first.
        hurry_samples: from when on the worker may be told again to hurry.
    """

    name: str
    number: int
    planner: Planner
    pace: Pace
    pending: dict[int, tuple[PlanWindow, Snapshot]] = field(default_factory=dict)
    early: list[Placement] = field(default_factory=list)
    slack_s: float | None = None
    hurry_samples: int = 0
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
