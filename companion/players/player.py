"""One player in a session: its planner, and the plans that are on their way to the timeline.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from companion.control.parameters import Value
from companion.generate.budget import Wish
from companion.players.decision import Placement, PlanWindow
from companion.players.planner import Planner
from model.request import StemResult


@dataclass(slots=True)
class Player:
    """One player: its name and voice, its planner, and what is on its way to the timeline.

    Attributes:
        name: of the player.
        number: of its voice in the audio memory, from 1.
        planner: its plans, its stem and what of it sounds.
        usual: what its last plan was wished to be.
        asked_with: values of the knobs that shaped its last plan; empty before the first.
        gain: its level, linear; 0 when muted.
        gain_taken: that the audio callback has taken so far; -1 before it has run.
        chosen: which of the alternatives sounds, 0 or 1.
        alternatives: its last plan and its stems, if there is a choice.
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
    alternatives: tuple[PlanWindow, Sequence[StemResult]] | None = None
    early: list[Placement] = field(default_factory=list)
