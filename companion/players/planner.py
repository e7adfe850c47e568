"""What to plan next and what to play now, for one player. Pure logic: no threads, no clock.

Once a bar a plan is made for bars that it can be ready for. What was placed before them is
committed: its tokens are the prefix that the generator sees and may not change. What sounds in each
bar, be it of a plan or not, is decided by its `Bars`.

The ensemble asks for `window`, has the plan made from `request`, hands the result to `arrive` (or,
where nothing is heard, calls `mute`), asks `due` what the bars whose deadline has come will be, and
calls `placed` for each placement that the writer took.
"""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from companion.listen.cycle import stand_in_bar
from companion.players.bars import LEAD_S, Bars
from companion.players.decision import (
    Arrival,
    BarDecision,
    Placement,
    PlanWindow,
    Prefix,
    Retimed,
)
from companion.players.layout import Layout, lay_out
from companion.players.request import stem_request
from companion.players.seeds import plan_seed
from companion.players.stem import Stem
from companion.system.errors import CompanionError
from model.grid import HOP
from model.request import DecodeSettings, Form, StemRequest, StemResult

if TYPE_CHECKING:
    from companion.clock.grid import Grid
    from companion.clock.transport import Transport
    from companion.listen.window import ContextWindow

STRETCH = 0.08
"""Change of tempo up to which a stem is stretched; beyond it is planned anew."""
EXACT = 0.0005
"""Change of tempo up to which plans go on unchanged while there is no stem yet."""


class Planner:
    """One player's plans, and its stem and bars beneath them."""

    def __init__(
        self,
        transport: Transport,
        player: int,
        seed: int,
        max_frames: int,
        silence: NDArray[np.int16],
        cycle: int = 4,
        lead_s: float = LEAD_S,
    ) -> None:
        """Nothing planned yet.

        Args:
            transport: the bar grid.
            player: number of the player, from 0.
            seed: of the session; together with the player and the plan it seeds each plan.
            max_frames: longest window the generator fills.
            silence: int16 [4, n], the generator's tokens of silence.
            cycle: bars after which the music repeats, 1..16.
            lead_s: how long before its start a bar's sound must be there.

        Raises:
            CompanionError: a bar is longer than the generator's window, or the cycle is not 1..16.
        """
        grid = transport.grid()
        lay_out(grid, 0, max_frames - 1)  # one less: bars differ by a frame as they are cut
        self._again_until = 0  # bars before this one are settled by `again`
        self._transport = transport
        self._player = player
        self._seed = seed
        self._salt = 0
        self._max_frames = max_frames
        self._epoch = 0
        self._placed_epoch = -1
        self._planned_in: int | None = None  # the bar in which the last plan was begun
        self._stem = Stem(transport, grid, player, silence)
        self._bars = Bars(transport, self._stem, player, cycle, lead_s)

    @property
    def cycle(self) -> int:
        """Bars after which the music repeats; acts on the next plan; see `Bars`."""
        return self._bars.cycle

    @cycle.setter
    def cycle(self, bars: int) -> None:
        self._bars.cycle = bars

    @property
    def hold(self) -> bool:
        """While True no plan is made and the last cycle is repeated, or that before an `undo`."""
        return self._bars.hold

    @hold.setter
    def hold(self, on: bool) -> None:
        self._bars.hold = on

    @property
    def end_bar(self) -> int:
        """The bar after the last that has a stem; 0 before the first."""
        return self._stem.end_bar

    def deadline_samples(self, bar: int) -> int:
        """The stream sample by which a bar's sound must be there."""
        return self._bars.deadline_samples(bar)

    def first_bar(self, ready_samples: int) -> int:
        """The first bar that something ready at `ready_samples` is in time for."""
        return self._bars.first_bar(ready_samples)

    def due(self, now_samples: int) -> list[BarDecision]:
        """What sounds in each bar whose deadline has come since the last call, from bar 0 on."""
        return self._bars.due(now_samples)

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
        first = self._stem.first_of(last)
        if first is None or self.hold:
            return []
        first = max(first, last + 1 - self.cycle)
        at = self.first_bar(now_samples)
        self._again_until = at + last + 1 - first
        return [
            self._stem.again(at + bar - first, bar, now_samples) for bar in range(first, last + 1)
        ]

    def undo(self, now_samples: int) -> bool:
        """On hold, repeat what sounded before the plan that sounds; see `Bars.undo`."""
        return self._bars.undo(now_samples)

    # --- plans ---------------------------------------------------------------------------------

    def wants(self, now_samples: int) -> bool:
        """Whether a plan is to be begun as soon as one can be: once a bar, and not on hold."""
        return not self.hold and self._planned_in != self._transport.bar_at(now_samples)

    def window(
        self, now_samples: int, first_bar: int, heard_samples: int | None = None
    ) -> PlanWindow | None:
        """The plan for bars from `first_bar` on, to be begun now; None if it is not time for it.

        It is time when that bar lies behind the first cycle and the bar that stands in for it has
        been heard.

        Args:
            now_samples: where the stream is.
            first_bar: from `first_bar`.
            heard_samples: up to where the input is known; None if up to now.
        """
        heard_samples = now_samples if heard_samples is None else heard_samples
        transport = self._transport
        if not self.wants(now_samples) or first_bar < max(self.cycle, self._again_until):
            return None
        if stand_in_bar(transport, first_bar, self.cycle, heard_samples) is None:
            return None
        grid = self._follow_tempo()
        layout = lay_out(grid, first_bar, self._max_frames)
        deadline = self.deadline_samples(first_bar)
        window = PlanWindow(
            player=self._player,
            epoch=self._epoch,
            seed=plan_seed(self._seed, self._player, self._epoch, self._salt),
            grid=grid,
            layout=layout,
            made_samples=now_samples,
            deadline_samples=deadline,
            useless_samples=self._bars.last_call_samples(layout.end_bar - 1),
        )
        self._planned_in = transport.bar_at(now_samples)
        self._bars.coming = range(layout.first_bar, layout.end_bar)
        self._epoch += 1
        return window

    def request(
        self,
        window: PlanWindow,
        context: ContextWindow,
        instrument: int,
        guidance: Mapping[str, float],
        form: Form,
        decode: DecodeSettings,
    ) -> StemRequest:
        """What to ask the generator for; ValueError if a value is outside its range.

        Args:
            window: from `window`.
            context: what is heard in the window's frames.
            instrument, guidance, form, decode: see `StemRequest`.
        """
        given = self.prefix(window.layout)
        return stem_request(self._stem, window, given, context, instrument, guidance, form, decode)

    def arrive(self, window: PlanWindow, result: StemResult, now_samples: int) -> Arrival:
        """A plan is there: place its bars that are still in time, unless a newer one was."""
        arrival = self._received(window, result, now_samples)
        self.over(window)
        return arrival

    def over(self, window: PlanWindow) -> None:
        """A plan is under way no longer: nothing waits for it."""
        if window.epoch == self._epoch - 1:
            self._bars.coming = range(0)

    def switch(self, window: PlanWindow, result: StemResult, now_samples: int) -> Placement | None:
        """Another stem of a plan that was placed: its bars that are still in time."""
        return self._received(window, result, now_samples).placement

    def prefix_frames(self, layout: Layout) -> int:
        """How much of a window is given: none before it has played, or after it fell silent.

        After a stretch of silent tokens the generator would go on with silence.
        """
        last = layout.first_bar - 1
        sounds = self._stem.clip(last) is not None or last in self._bars.repeats(last + 1)
        return layout.prefix_frames if sounds and self._stem.begun else 0

    def prefix(self, layout: Layout) -> Prefix:
        """What was placed before a plan, or will be repeated where nothing was."""
        frames = self.prefix_frames(layout)
        return Prefix(frames, self._bars.repeats(layout.first_bar) if frames else {})

    def settled(self, grid: Grid, layout: Layout) -> Mapping[int, int] | None:
        """Bars of a window that are taken to repeat others; None where nothing of it is heard."""
        if not self._stem.end_bar or self._stem.grid != grid:
            return None
        return self._bars.repeats(layout.end_bar)

    def sound(self, grid: Grid, layout: Layout) -> NDArray[np.float32]:
        """What it is going to play in a window, as far as it is settled: [frames * 640], 32 kHz.

        Bars that have no stem yet are heard as those that would be repeated in their place; nothing
        is heard where it was planned at another tempo.
        """
        repeats = self.settled(grid, layout)
        if repeats is None:
            return np.zeros(layout.frames * HOP, np.float32)
        return self._stem.prefix(layout.first_frame, layout.frames, repeats)[1]

    def _received(self, window: PlanWindow, result: StemResult, now_samples: int) -> Arrival:
        soonest = self._bars.open_bar(now_samples)
        first_bar = max(window.layout.first_bar, soonest, self._again_until)
        if self.hold:
            return self._arrival(window, now_samples, None, "not placed: on hold")
        if window.epoch < self._placed_epoch:
            reason = f"not placed: plan {self._placed_epoch} is newer"
            return self._arrival(window, now_samples, None, reason)
        if first_bar >= window.layout.end_bar:
            return self._arrival(window, now_samples, None, "not placed: too late for all its bars")
        placement = self._stem.cut(window, result, first_bar, now_samples)
        missed = first_bar - window.layout.first_bar
        reason = f"too late for {missed} of its bars" if missed else "in time"
        return self._arrival(window, now_samples, placement, reason)

    def mute(self, window: PlanWindow, now_samples: int) -> Arrival:
        """Nothing is heard in the window: its bars get no stem, older plans fall silent."""
        first_bar = max(window.layout.first_bar, self.first_bar(now_samples))
        end_bar = max(window.layout.end_bar, self._stem.end_bar)
        self._placed_epoch = window.epoch  # plans still being made come too late
        self.over(window)
        self._bars.mute(range(first_bar, end_bar))
        placement = None
        if self._stem.end_bar > first_bar:
            placement = self._stem.quiet(first_bar, end_bar, now_samples)
        return self._arrival(window, now_samples, placement, "silent input")

    def placed(self, placement: Placement) -> None:
        """The writer took it: from now on it is what the player plays there."""
        self._stem.commit(placement)
        if placement.epoch is not None:
            self._placed_epoch = max(self._placed_epoch, placement.epoch)
            end_bar = placement.first_bar + placement.bars
            self._bars.unmute(range(placement.first_bar, end_bar))

    # --- tempo ---------------------------------------------------------------------------------

    def retime(self, now_samples: int) -> Retimed | None:
        """What is on the timeline, where the beats have moved since it was placed; else None."""
        return self._stem.retime(now_samples)

    def retimed(self, moved: Retimed) -> None:
        """The writer took it."""
        self._stem.retimed(moved)

    def _follow_tempo(self) -> Grid:
        """The grid to plan on: a new one where the tempo has left the range of the present one.

        Before the first plan there is nothing to go on from, and the tempo may as well be exact.
        """
        grid = self._stem.grid
        change = abs(float(self._transport.tempo / grid.bpm) - 1)
        if change > (STRETCH if self._stem.begun else EXACT):
            moved = self._transport.grid()
            with contextlib.suppress(CompanionError):  # too slow to plan at: stretched all the same
                lay_out(moved, 0, self._max_frames - 1)
                self._stem.regrid(moved)
                grid = moved
        return grid

    # --- details -------------------------------------------------------------------------------

    def _arrival(
        self, window: PlanWindow, now: int, placement: Placement | None, reason: str
    ) -> Arrival:
        slack_s = (window.deadline_samples - now) / self._transport.rate
        return Arrival(window, window.deadline_samples, now, slack_s, placement, reason)
