"""What to plan next, for one player. Pure logic: no threads, no clock.

Once a bar a plan is made for bars that it can be ready for. What was placed before them is
committed: its tokens are the prefix that the generator sees and may not change. What sounds in each
bar, be it of a plan or not, is decided by its `Bars`; what it has played is its `Stem`.

Who has the plans made asks for `window`, hands what comes of it to `arrive` (or, where nothing is
heard, calls `mute`), and calls `placed` for each placement that the writer took.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.listen.cycle import stand_in_bar
from companion.players.bars import Bars
from companion.players.decision import Arrival, Placement, PlanWindow, Prefix
from companion.players.layout import Layout, lay_out
from companion.players.request import plan_seed
from companion.players.stem import Stem
from companion.system.errors import CompanionError
from model.request import StemResult

STRETCH = 0.08
"""Change of tempo up to which a stem is stretched; beyond it is planned anew."""
EXACT = 0.0005
"""Change of tempo up to which plans go on unchanged while there is no stem yet."""


class Planner:
    """One player's plans.

    Attributes:
        stem: what it plays.
        bars: what sounds in each bar; has its cycle, and whether it is on hold.
    """

    def __init__(
        self,
        transport: Transport,
        player: int,
        seed: int,
        max_frames: int,
        silence: NDArray[np.int16],
        cycle: int = 4,
        name: str = "",
        seconds: Callable[[int], float] = float,
    ) -> None:
        """Nothing planned yet.

        Args:
            transport: the bar grid.
            player: number of the player, from 0.
            seed: of the session; together with the player and the plan it seeds each plan.
            max_frames: longest window the generator fills.
            silence: int16 [4, n], the generator's tokens of silence.
            cycle: bars after which the music repeats, 1..16.
            name, seconds: what it is called, and when stream samples are, where that is told.

        Raises:
            CompanionError: a bar is longer than the generator's window, or the cycle is not 1..16.
        """
        lay_out(transport.grid(), 0, max_frames - 1)  # one less: bars differ by a frame when cut
        self._transport, self._max_frames = transport, max_frames
        self._player, self._seed, self._salt = player, seed, 0
        self._epoch = 0
        self._placed_epoch = -1
        self._planned_in: int | None = None  # the bar in which the last plan was begun
        self._again_until = 0  # bars before this one are settled by `again`
        self.stem = Stem(transport, silence)
        self.bars = Bars(transport, self.stem, cycle, name, seconds)

    def regenerate(self) -> None:
        """Plan again at once and with other dice."""
        self._salt += 1
        self._planned_in = None

    def replan(self) -> None:
        """Plan again at once, with the next dice, because a knob was moved."""
        self._planned_in = None

    def again(self, now_samples: int) -> list[Placement]:
        """What the plan that sounds has played up to this bar, from the next bar on once more.

        A cycle of it at most: a plan may have been repeated for long. The same seed and context
        would give the same bars, so they are not made anew. New plans are for the bars after them.
        Nothing happens on hold, or where nothing sounds.
        """
        last = self._transport.bar_at(now_samples)
        first = self.stem.clips.first_of(last)
        if first is None or self.bars.hold:
            return []
        first = max(first, last + 1 - self.bars.cycle)
        at = self.bars.first_bar(now_samples)
        self._again_until = at + last + 1 - first
        return [
            self.stem.again(at + bar - first, bar, now_samples) for bar in range(first, last + 1)
        ]

    def wants(self, now_samples: int) -> bool:
        """Whether a plan is to be begun as soon as one can be: once a bar, and not on hold."""
        return not self.bars.hold and self._planned_in != self._transport.bar_at(now_samples)

    def window(
        self, now_samples: int, first_bar: int, heard_samples: int | None = None
    ) -> PlanWindow | None:
        """The plan for bars from `first_bar` on, to be begun now; None if it is not time for it.

        It is time when that bar lies behind the first cycle and the bar that stands in for it has
        been heard. The input is known up to `heard_samples`; up to now where that is None.
        """
        heard_samples = now_samples if heard_samples is None else heard_samples
        cycle = self.bars.cycle
        if not self.wants(now_samples) or first_bar < max(cycle, self._again_until):
            return None
        if stand_in_bar(self._transport, first_bar, cycle, heard_samples) is None:
            return None
        grid = self._follow_tempo()
        layout = lay_out(grid, first_bar, self._max_frames)
        window = PlanWindow(
            epoch=self._epoch,
            seed=plan_seed(self._seed, self._player, self._epoch, self._salt),
            grid=grid,
            layout=layout,
            made_samples=now_samples,
            deadline_samples=self.bars.deadline_samples(first_bar),
            useless_samples=self.bars.last_call_samples(layout.end_bar - 1),
        )
        self._planned_in = self._transport.bar_at(now_samples)
        self.bars.coming = range(layout.first_bar, layout.end_bar)
        self._epoch += 1
        return window

    def _follow_tempo(self) -> Grid:
        """The grid to plan on: a new one where the tempo has left the range of the present one.

        Before the first plan there is nothing to go on from, and the tempo may as well be exact.
        """
        change = abs(float(self._transport.tempo / self.stem.grid.bpm) - 1)
        if change > (STRETCH if self.stem.begun else EXACT):
            moved = self._transport.grid()
            with contextlib.suppress(CompanionError):  # too slow to plan at: stretched all the same
                lay_out(moved, 0, self._max_frames - 1)
                self.stem.regrid(moved)
        return self.stem.grid

    def prefix(self, layout: Layout) -> Prefix:
        """What was placed before a plan, or will be repeated where nothing was.

        That is none before it has played, or after it fell silent: after a stretch of silent tokens
        the generator would go on with silence.
        """
        last, repeats = layout.first_bar - 1, self.bars.repeats(layout.first_bar)
        sounds = self.stem.clips.get(last) is not None or last in repeats
        return (
            Prefix(layout.prefix_frames, repeats) if sounds and self.stem.begun else Prefix(0, {})
        )

    def settled(self, grid: Grid, layout: Layout) -> Mapping[int, int] | None:
        """Bars of a window that are taken to repeat others, as long as they have no stem.

        None where nothing of it is heard: before it has played, or planned at another tempo.
        """
        if not self.stem.clips.end_bar or self.stem.grid != grid:
            return None
        return self.bars.repeats(layout.end_bar)

    def arrive(self, window: PlanWindow, result: StemResult, now_samples: int) -> Arrival:
        """A stem of a plan is there: place its bars that are still in time, unless a newer was."""
        layout = window.layout
        first_bar = max(layout.first_bar, self.bars.open_bar(now_samples), self._again_until)
        self.over(window)
        if self.bars.hold:
            return Arrival(None, "not placed: on hold")
        if window.epoch < self._placed_epoch:
            return Arrival(None, f"not placed: plan {self._placed_epoch} is newer")
        if first_bar >= layout.end_bar:
            return Arrival(None, "not placed: too late for all its bars")
        missed = first_bar - layout.first_bar
        reason = f"too late for {missed} of its bars" if missed else "in time"
        return Arrival(self.stem.cut(window, result, first_bar, now_samples), reason)

    def over(self, window: PlanWindow) -> None:
        """A plan is under way no longer: nothing waits for it."""
        if window.epoch == self._epoch - 1:
            self.bars.coming = range(0)

    def mute(self, window: PlanWindow, now_samples: int) -> Placement | None:
        """Nothing is heard in the window: its bars get no stem, older plans fall silent."""
        first_bar = max(window.layout.first_bar, self.bars.first_bar(now_samples))
        end_bar = self.stem.clips.end_bar
        self._placed_epoch = window.epoch  # plans still being made come too late
        self.over(window)
        muted_until = max(window.layout.end_bar, end_bar)
        self.bars.muted.update(range(first_bar, muted_until))
        return self.stem.quiet(first_bar, muted_until) if end_bar > first_bar else None

    def placed(self, placement: Placement) -> None:
        """The writer took it: from now on it is what the player plays there."""
        self.stem.commit(placement)
        if placement.epoch is not None:
            self._placed_epoch = max(self._placed_epoch, placement.epoch)
            self.bars.muted.difference_update(range(placement.first_bar, placement.end_bar))
