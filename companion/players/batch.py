"""Plans that are asked for together: whose they are, and what they were given."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from companion.control.store import Snapshot
from companion.generate.budget import Spending, Wish
from companion.players.decision import PlanWindow
from companion.players.player import Player


@dataclass(frozen=True, slots=True)
class Member:
    """A player in a round.

    Attributes:
        window: its plan.
        knobs: as they were when it was asked for.
        wish: what they wish for.
        stems: how many of its requests are in the batch: two where there is a choice.
    """

    player: Player
    window: PlanWindow
    knobs: Snapshot
    wish: Wish
    stems: int


@dataclass(frozen=True, slots=True)
class Round:
    """A batch that is being made.

    Attributes:
        number: of the plan at the worker.
        wishes, spending: stem by stem, in the order of the batch.
        asked_samples: when.
        deadline_samples: when it must be ready for its first bar.
        finish_s: seconds that it needs to finish at once, on a machine that is as expected.
        useless_samples: from when on nothing of it could sound.
    """

    number: int
    members: Sequence[Member]
    wishes: Sequence[Wish]
    spending: Spending
    asked_samples: int
    deadline_samples: int
    finish_s: float
    useless_samples: int
