"""What the planner decides: a plan to make, a clip to place, what sounds in a bar, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.players.clips import BarClip
from companion.players.layout import Layout
from companion.take.events import BarSounded


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """A plan to be made.

    Attributes:
        epoch: number of the player's plan, from 0.
        seed: what decides its dice.
        grid: the bars and frames it is laid out on.
        layout: which frames and bars.
        made_samples: when it was decided on.
        deadline_samples: when it must be ready for its first bar to sound.
        useless_samples: when not even its last bar can sound any more.
    """

    epoch: int
    seed: int
    grid: Grid
    layout: Layout
    made_samples: int
    deadline_samples: int
    useless_samples: int

    def slack_s(self, at: int) -> float:
        """How long before its deadline a stream sample is, seconds; negative where it is late."""
        return (self.deadline_samples - at) / self.grid.rate


class Prefix(NamedTuple):
    """What of a window is given.

    Attributes:
        frames: how much; 0 before the player has played.
        repeats: bars in it that are not placed yet, and those they are going to repeat.
    """

    frames: int
    repeats: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Laid:
    """Bars of a stem, laid on the beats as they lie now; they may be on the timeline already.

    Attributes:
        start_samples: stream sample of the clip's first, anywhere in a bar.
        clip: float32 [n], device rate.
        lead_in: float32 [m], what comes right before it in the same music.
        bar_clips: what it is made of, by bar; none for silence.
    """

    start_samples: int
    clip: NDArray[np.float32]
    lead_in: NDArray[np.float32]
    bar_clips: Mapping[int, BarClip]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Placement(Laid):
    """A clip of whole bars that is new to the player's timeline.

    Attributes:
        first_bar, end_bar: what it fills, the end excluded.
        epoch: of the plan it comes from; None for a clip of silence.
        grid: of the frames.
        first_frame: global frame that `tokens` start at.
        tokens: int16 [4, frames], what is committed when the clip is placed.
        sound: float32 [640, frames], what these frames sound like, 32 kHz, a frame a column.
        source: the bar that is repeated; None for a plan or silence.
        fades: whether it fades out.
        number: of the clip among all that were made for the player, from 0.
    """

    first_bar: int
    end_bar: int
    epoch: int | None
    grid: Grid
    first_frame: int
    tokens: NDArray[np.int16]
    sound: NDArray[np.float32]
    source: int | None = None
    fades: bool = False
    number: int


class Arrival(NamedTuple):
    """What becomes of a plan that is there.

    Attributes:
        placement: what to place, None if nothing.
        reason: one line for the log.
    """

    placement: Placement | None
    reason: str


class BarDecision(NamedTuple):
    """What sounds in one bar of one player.

    Attributes:
        event: what is written down of it.
        placement: what to place, None if it is on the timeline already or there is nothing.
    """

    event: BarSounded
    placement: Placement | None
