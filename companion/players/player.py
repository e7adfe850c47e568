"""One player in a session: its planner, and plans on their way to the timeline, in rounds.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from companion.control.parameters import Value
from companion.control.store import Snapshot
from companion.generate.budget import Spending, Wish
from companion.players.decision import Placement, PlanWindow
from companion.players.planner import Planner
from companion.players.sounds import Sounds
from model.request import StemResult


@dataclass(slots=True)
class Player:
    """One player: its name and voice, its planner, and what is on its way to the timeline."""

    name: str  # of the player
    number: int  # of its voice in the audio memory, from 1
    planner: Planner  # its plans, its stem and what of it sounds
    usual: Wish  # what its last plan was wished to be
    sounds: Sounds  # which of its instrument's it has
    # values of the knobs that shaped its last plan; empty before the first
    asked_with: tuple[Value, ...] = ()
    gain: float = 1.0  # its level, linear; 0 when muted
    gain_taken: float = -1.0  # that the audio callback has taken so far; -1 before it has run
    chosen: int = 0  # which of the alternatives sounds, 0 or 1
    # its last plan and its stems, if there is a choice
    alternatives: tuple[PlanWindow, Sequence[StemResult]] | None = None
    # clips that end further ahead than the timeline reaches, oldest first
    early: list[Placement] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Member:
    """A player in a round."""

    player: Player
    window: PlanWindow  # its plan
    knobs: Snapshot  # as they were when it was asked for
    wish: Wish  # what they wish for
    stems: int  # how many of its requests are in the batch: two where there is a choice


@dataclass(frozen=True, slots=True)
class Round:
    """A batch that is being made."""

    number: int  # of the plan at the worker
    members: Sequence[Member]
    wishes: Sequence[Wish]  # stem by stem, in the order of the batch
    spending: Spending  # on them, likewise
    asked_samples: int  # when it was asked for
    deadline_samples: int  # when it must be ready for its first bar
    finish_s: float  # seconds that it needs to finish at once, on a machine that is as expected
    useless_samples: int  # from when on nothing of it could sound
