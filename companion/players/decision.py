"""What the planner decides: a plan to make, a clip to place, what sounds in a bar, and why."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.players.clips import BarClip
from companion.players.layout import Layout

Sounding = Literal["plan", "older plan", "repeat", "silence"]


@dataclass(frozen=True, slots=True)
class PlanWindow:
    """A plan to be made.

    Attributes:
        player: whose.
        epoch: number of the player's plan, from 0.
        seed: what decides its dice.
        grid: the bars and frames it is laid out on.
        layout: which frames and bars.
        made_samples: when it was decided on.
        deadline_samples: when it must be ready for its first bar to sound.
        useless_samples: when not even its last bar can sound any more.
    """

    player: int
    epoch: int
    seed: int
    grid: Grid
    layout: Layout
    made_samples: int
    deadline_samples: int
    useless_samples: int


@dataclass(frozen=True, slots=True)
class Prefix:
    """What of a window is given.

    Attributes:
        frames: how much; 0 before the player has played.
        repeats: bars in it that are not placed yet, and those they are going to repeat.
    """

    frames: int
    repeats: Mapping[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class Placement:
    """A clip for the player's timeline.

    Attributes:
        player: whose.
        start_samples: stream sample of the clip's first, the start of `first_bar`.
        clip: float32 [n], device rate, whole bars.
        lead_in: float32 [m], what comes right before it in the same music.
        first_bar, bars: what it fills.
        bar_clips: the same bar by bar, at the tempo they were planned at; empty for silence.
        lines: the beats of each bar, as the clip has them.
        epoch: of the plan it comes from; None for a clip of silence.
        plan_bar: which bar of that plan `first_bar` is.
        ready_samples: when it was there.
        grid: of the frames.
        first_frame: global frame that `tokens` start at.
        tokens: int16 [4, frames], what is committed when the clip is placed.
        sound: float32 [640, frames], what these frames sound like, 32 kHz, a frame a column.
        source: the bar that is repeated; None for a plan or silence.
        fades: whether it fades out.
        number: of the clip among all that were made for the player, from 0.
    """

    player: int
    start_samples: int
    clip: NDArray[np.float32]
    lead_in: NDArray[np.float32]
    first_bar: int
    bars: int
    bar_clips: tuple[BarClip, ...]
    lines: Mapping[int, tuple[int, ...]]
    epoch: int | None
    plan_bar: int
    ready_samples: int
    grid: Grid
    first_frame: int
    tokens: NDArray[np.int16]
    sound: NDArray[np.float32]
    source: int | None = None
    fades: bool = False
    number: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class Retimed:
    """What is on the timeline already, moved to where the beats lie now.

    Attributes:
        start_samples: stream sample of the clip's first, anywhere in a bar.
        clip, lead_in: as in `Placement`.
        lines: the beats of each bar that it reaches into, as it was laid.
    """

    start_samples: int
    clip: NDArray[np.float32]
    lead_in: NDArray[np.float32]
    lines: Mapping[int, tuple[int, ...]]


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """What becomes of a plan that is there.

    Attributes:
        window: the plan.
        desired_samples, actual_samples: when it had to be there and when it was.
        slack_s: the difference, negative when it was late for its first bar.
        placement: what to place, None if nothing.
        reason: one line for the log.
    """

    window: PlanWindow
    desired_samples: int
    actual_samples: int
    slack_s: float
    placement: Placement | None
    reason: str


@dataclass(frozen=True, slots=True, eq=False)
class BarDecision:
    """What sounds in one bar of one player.

    Attributes:
        player, bar: where.
        sounding: what.
        expected: whether a stem was due here at all, so that the bar counts in the ISR: not in
            the first cycle, on silent input or on hold.
        epoch: of the plan that sounds, None for silence.
        staleness_bars: which bar of that plan it is, from 0; a repeat adds its distance.
        desired_samples, actual_samples: when its sound had to be there, and when it was (for a
            repeat or silence: when that was decided).
        slack_s: the difference.
        placement: what to place, None if it is on the timeline already or there is nothing.
        reason: one line for the log.
    """

    player: int
    bar: int
    sounding: Sounding
    expected: bool
    epoch: int | None
    staleness_bars: int | None
    desired_samples: int
    actual_samples: int
    slack_s: float
    placement: Placement | None
    reason: str
