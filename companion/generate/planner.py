"""What to plan next and what to play now, for one player. Pure logic: no threads, no clock.

Once a bar a plan is made for bars that it can be ready for. What was placed before them is
committed: its tokens are the prefix that the generator sees and may not change. Each bar has a
deadline, a while before it starts; by then its sound is on the timeline, in this order of choice:
the plan made for it, a later bar of an older plan, the last good bars again in phase, a fade out.
Only where there is none of these its plan may come later, until shortly before the bar starts.

The ensemble asks for `window`, has the plan made from `request`, hands the result to `arrive` (or,
where nothing is heard, calls `mute`), asks `due` what the bars whose deadline has come will be, and
calls `placed` for each placement that the writer took.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from companion.errors import CompanionError
from companion.generate.ask import stem_request
from companion.generate.clips import BarClip
from companion.generate.decision import (
    Arrival,
    BarDecision,
    Placement,
    PlanWindow,
    Prefix,
    Retimed,
    Sounding,
)
from companion.generate.layout import Layout, lay_out
from companion.generate.stem import Stem
from companion.generate.tally import Tally
from companion.listen.cycle import stand_in_bar
from model.grid import HOP
from model.request import DecodeSettings, Form, StemRequest, StemResult

if TYPE_CHECKING:
    from companion.clock.grid import Grid
    from companion.clock.transport import Transport
    from companion.listen.window import ContextWindow

LEAD_S = 1.0
"""How long before a bar its sound must be there: the writer stays this far ahead."""
LAST_LEAD_S = 0.25
"""The same where the choice is between a plan that is late and silence."""
STRETCH = 0.08
"""Change of tempo up to which a stem is stretched; beyond it is planned anew."""
EXACT = 0.0005
"""The same before there is a stem."""
MAX_CYCLE = 16
REPEATED_CYCLES = 2
LEAST_REPEATED_BARS = 8
"""Without any new plan the last cycle is repeated twice, but at least 8 bars, then fades out."""


class Planner:
    """One player's plans, clips and fallbacks.

    Attributes:
        tally: how well it keeps up.
    """

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
        self._hold = False
        self._back_to: int | None = None  # on hold, only bars before this one are repeated
        self._again_until = 0  # bars before this one are settled by `again`
        self.tally = Tally()
        self.cycle = cycle
        self._transport = transport
        self._player = player
        self._seed = seed
        self._salt = 0
        self._max_frames = max_frames
        self._lead_samples = round(lead_s * transport.rate)
        self._last_lead_samples = round(min(lead_s, LAST_LEAD_S) * transport.rate)
        self._epoch = 0
        self._placed_epoch = -1
        self._planned_in: int | None = None  # the bar in which the last plan was begun
        self._next_bar = 0  # the first bar not yet decided
        self._repeated = 0  # bars in a row
        self._muted: set[int] = set()
        self._stem = Stem(transport, grid, player, silence)

    @property
    def cycle(self) -> int:
        """Bars after which the music repeats; acts on the next plan."""
        return self._cycle

    @cycle.setter
    def cycle(self, bars: int) -> None:
        if not 1 <= bars <= MAX_CYCLE:
            raise CompanionError(f"cycle is {bars} bars; valid: 1 to {MAX_CYCLE}")
        self._cycle = bars

    @property
    def hold(self) -> bool:
        """While True no plan is made and the last cycle is repeated, or that before an `undo`."""
        return self._hold

    @hold.setter
    def hold(self, on: bool) -> None:
        self._hold = on
        if not on:
            self._back_to = None

    @property
    def end_bar(self) -> int:
        """The bar after the last that has a stem; 0 before the first."""
        return self._stem.end_bar

    def deadline_samples(self, bar: int) -> int:
        """The stream sample by which a bar's sound must be there."""
        return self._transport.bar_start_samples(bar) - self._lead_samples

    def first_bar(self, ready_samples: int) -> int:
        """The first bar that something ready at `ready_samples` is in time for."""
        at = ready_samples + self._lead_samples
        bar = self._transport.bar_at(at)
        return bar if self._transport.bar_start_samples(bar) >= at else bar + 1

    def regenerate(self) -> None:
        """Plan again at once and with other dice."""
        self._salt += 1
        self._planned_in = None

    def replan(self) -> None:
        """Plan again at once, with the next dice, because a knob was moved."""
        self._planned_in = None

    def again(self, now_samples: int) -> list[Placement]:
        """What the plan that sounds has played up to this bar, from the next bar on once more.

        The same seed and context would give the same bars, so they are not made anew. New plans
        are for the bars after them. Nothing happens on hold, or where nothing sounds.
        """
        last = self._transport.bar_at(now_samples)
        first = self._stem.first_of(last)
        if first is None or self.hold:
            return []
        at = self.first_bar(now_samples)
        self._again_until = at + last + 1 - first
        return [
            self._stem.again(at + bar - first, bar, now_samples) for bar in range(first, last + 1)
        ]

    def undo(self, now_samples: int) -> bool:
        """On hold, repeat what sounded before the plan that sounds; again, before that one.

        False where nothing did.
        """
        last = self._transport.bar_at(now_samples) if self._back_to is None else self._back_to - 1
        first = self._stem.first_of(last)
        if first is None or self._stem.first_of(first - 1) is None:
            return False
        self._back_to = first
        return True

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
            useless_samples=self.deadline_samples(layout.end_bar - 1),
        )
        self._planned_in = transport.bar_at(now_samples)
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
        self.tally.count_plan(arrival)
        return arrival

    def switch(self, window: PlanWindow, result: StemResult, now_samples: int) -> Placement | None:
        """Another stem of a plan that was placed: its bars that are still in time."""
        return self._received(window, result, now_samples).placement

    def prefix_frames(self, layout: Layout) -> int:
        """How much of a window is given: none before it has played.

        After a stretch of silent tokens the generator would go on with silence.
        """
        return layout.prefix_frames if self._stem.end_bar and self._stem.begun else 0

    def prefix(self, layout: Layout) -> Prefix:
        """What was placed before a plan, or will be repeated where nothing was."""
        frames = self.prefix_frames(layout)
        return Prefix(frames, self._repeats(layout.first_bar) if frames else {})

    def settled(self, grid: Grid, layout: Layout) -> Mapping[int, int] | None:
        """Bars of a window that are taken to repeat others; None where nothing of it is heard."""
        if not self._stem.end_bar or self._stem.grid != grid:
            return None
        return self._repeats(layout.end_bar)

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
        waits = self._waits(self._next_bar, now_samples)
        soonest = self._next_bar if waits else self.first_bar(now_samples)
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
        self._muted.update(range(first_bar, end_bar))
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
            self._muted.difference_update(range(placement.first_bar, end_bar))

    # --- bars ----------------------------------------------------------------------------------

    def due(self, now_samples: int) -> list[BarDecision]:
        """What sounds in each bar whose deadline has come since the last call, from bar 0 on."""
        decisions = []
        while now_samples >= self.deadline_samples(self._next_bar):
            if self._waits(self._next_bar, now_samples):
                break
            decision = self._decide(self._next_bar, now_samples)
            self.tally.count_bar(decision)
            decisions.append(decision)
            self._next_bar += 1
        return decisions

    def _waits(self, bar: int, now: int) -> bool:
        """Whether a bar would be silent for want of a plan, and one may yet come."""
        nothing = self._stem.clip(bar) is None and not self.hold and not self._is_muted(bar)
        return (
            nothing
            and self._first_cycle_end <= bar
            and self._stem.source(bar, self.cycle, self._back_to) is None
            and now <= self._transport.bar_start_samples(bar) - self._last_lead_samples
        )

    def _is_muted(self, bar: int) -> bool:
        """Nothing was heard, and no plan has said otherwise since."""
        return bar in self._muted or bar - 1 in self._muted

    @property
    def _first_cycle_end(self) -> int:
        """The first bar in which something is expected; bar 1 is too near whatever the cycle."""
        return max(self.cycle, 2)

    def _decide(self, bar: int, now: int) -> BarDecision:
        clip = self._stem.clip(bar)
        source = self._stem.source(bar, self.cycle, self._back_to)
        if self.hold and source is not None:
            return self._repeat(bar, source, now, f"on hold: bar {source} again", held=True)
        if clip is not None:
            self._repeated = 0
            sounding: Sounding = "older plan" if clip.plan_bar else "plan"
            reason = f"bar {clip.plan_bar} of plan {clip.epoch}"
            return self._decision(bar, sounding, clip, clip.ready_samples, None, reason)
        if self._is_muted(bar):
            self._muted.add(bar)  # until a plan says otherwise
            self._muted.discard(bar - MAX_CYCLE)
            return self._silence(bar, now, "silent input", expected=False)
        if bar < self._first_cycle_end and source is None:
            return self._silence(bar, now, "first cycle", expected=False)
        if self.hold:
            return self._silence(bar, now, "on hold, nothing to repeat", expected=False)
        limit = max(LEAST_REPEATED_BARS, REPEATED_CYCLES * self.cycle)
        if source is None:
            return self._silence(bar, now, "no plan in time, nothing to repeat", expected=True)
        if self._repeated > limit:
            return self._silence(bar, now, f"no plan for {limit} bars", expected=True)
        self._repeated += 1
        fades = self._repeated > limit
        reason = f"no plan in time: bar {source} again" + (", fading out" if fades else "")
        return self._repeat(bar, source, now, reason, fades=fades)

    def _repeat(
        self, bar: int, source: int, now: int, reason: str, held: bool = False, fades: bool = False
    ) -> BarDecision:
        placement = self._stem.again(bar, source, now, fades)
        clip = self._stem.clip(source)
        return self._decision(bar, "repeat", clip, now, placement, reason, expected=not held)

    def _silence(self, bar: int, now: int, reason: str, expected: bool) -> BarDecision:
        return self._decision(bar, "silence", None, now, None, reason, expected)

    def _decision(
        self,
        bar: int,
        sounding: Sounding,
        clip: BarClip | None,
        actual: int,
        placement: Placement | None,
        reason: str,
        expected: bool = True,
    ) -> BarDecision:
        desired = self.deadline_samples(bar)
        plan_bar = clip.plan_bar if clip is not None else None
        return BarDecision(
            player=self._player,
            bar=bar,
            sounding=sounding,
            expected=expected,
            epoch=clip.epoch if clip is not None else None,
            staleness_bars=placement.plan_bar if placement is not None else plan_bar,
            desired_samples=desired,
            actual_samples=actual,
            slack_s=(desired - actual) / self._transport.rate,
            placement=placement,
            reason=reason,
        )

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
        change = abs(float(self._transport.bpm / grid.bpm) - 1)
        if change > (STRETCH if self._stem.begun else EXACT):
            grid = self._transport.grid()
            self._stem.regrid(grid)
        return grid

    # --- details -------------------------------------------------------------------------------

    def _arrival(
        self, window: PlanWindow, now: int, placement: Placement | None, reason: str
    ) -> Arrival:
        slack_s = (window.deadline_samples - now) / self._transport.rate
        return Arrival(window, window.deadline_samples, now, slack_s, placement, reason)

    def _repeats(self, end_bar: int) -> dict[int, int]:
        """Bars up to `end_bar` that are not settled and will repeat another, and which one."""
        repeats = {}
        for bar in range(self._next_bar, end_bar):
            source = self._stem.source(bar, self.cycle, self._back_to)
            open_ = self.hold or self._stem.clip(bar) is None
            if source is not None and open_ and bar not in self._muted:
                repeats[bar] = source
        return repeats


def alternative_seed(seed: int) -> int:
    """The seed of the other stem of a plan, 0 .. 2**63 - 1."""
    return plan_seed(seed, 0, 0, 0)


def plan_seed(session_seed: int, player: int, epoch: int, salt: int) -> int:
    """A plan's seed, 0 .. 2**63 - 1: the same on every machine, unlike for any other plan."""
    text = f"{session_seed}/{player}/{epoch}/{salt}".encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big") >> 1
