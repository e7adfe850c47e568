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
    """A plan to be made."""

    epoch: int  # number of the player's plan, from 0
    seed: int  # what decides its dice
    grid: Grid  # the bars and frames it is laid out on
    layout: Layout  # which frames and bars
    made_samples: int  # when it was decided on
    deadline_samples: int  # when it must be ready for its first bar to sound
    useless_samples: int  # when not even its last bar can sound any more

    def slack_s(self, at: int) -> float:
        """How long before its deadline a stream sample is, seconds; negative where it is late."""
        return (self.deadline_samples - at) / self.grid.rate


class Prefix(NamedTuple):
    """What of a window is given."""

    frames: int  # how much; 0 before the player has played
    # bars in it that are not placed yet, and those they are going to repeat
    repeats: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Laid:
    """Bars of a stem, laid on the beats as they lie now; they may be on the timeline already."""

    start_samples: int  # stream sample of the clip's first, anywhere in a bar
    clip: NDArray[np.float32]  # float32 [n], device rate
    lead_in: NDArray[np.float32]  # float32 [m], what comes right before it in the same music
    bar_clips: Mapping[int, BarClip]  # what it is made of, by bar; none for silence


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Placement(Laid):
    """A clip of whole bars that is new to the player's timeline."""

    first_bar: int  # that it fills
    end_bar: int  # the one after the last that it fills
    epoch: int | None  # of the plan it comes from; None for a clip of silence
    grid: Grid  # of the frames
    first_frame: int  # global frame that `tokens` start at
    tokens: NDArray[np.int16]  # int16 [4, frames], what is committed when the clip is placed
    # float32 [640, frames], what these frames sound like, 32 kHz, a frame a column
    sound: NDArray[np.float32]
    source: int | None = None  # the bar that is repeated; None for a plan or silence
    fades: bool = False  # whether it fades out
    number: int  # of the clip among all that were made for the player, from 0


class Arrival(NamedTuple):
    """What becomes of a plan that is there."""

    placement: Placement | None  # what to place, None if nothing
    reason: str  # one line for the log


class BarDecision(NamedTuple):
    """What sounds in one bar of one player."""

    event: BarSounded  # what is written down of it
    # what to place, None if it is on the timeline already or there is nothing
    placement: Placement | None
