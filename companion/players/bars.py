"""What sounds in each bar of one player, decided once, at its deadline.

A deadline is a while before the bar starts; by then its sound is on the timeline, in this order of
choice: the plan made for it, a later bar of an older plan, the last good bars again in phase, a
fade out. If no plan covers the bar but one is being made, or if nothing can be repeated, the
decision waits until half a second before the bar.
"""

from __future__ import annotations

from collections.abc import Callable

from companion.clock.transport import Transport
from companion.listen.cycle import MAX_CYCLE
from companion.players.clips import BarClip
from companion.players.decision import BarDecision, Placement
from companion.players.stem import Stem
from companion.system.errors import CompanionError
from companion.take.events import BarSounded, Sounding

LEAD_S = 1.0
"""How long before a bar its sound must be there: the writer stays this far ahead."""
LAST_LEAD_S = 0.5
"""The deadline of a bar for which a plan is still being made: half a second before it starts."""
REPEATED_CYCLES = 2
LEAST_REPEATED_BARS = 8
"""Without any new plan the last cycle is repeated twice, but at least 8 bars, then fades out."""


class Bars:
    """Decides what sounds in each bar of one player, once, at its deadline.

    Attributes:
        cycle: bars after which the music repeats, 1..16.
        muted: bars that are silent until a plan says otherwise: nothing is heard to plan them from.
        coming: the bars that a plan is being made for.
    """

    def __init__(
        self,
        transport: Transport,
        stem: Stem,
        cycle: int,
        player: str,
        seconds: Callable[[int], float],
    ) -> None:
        """Nothing of `stem` decided yet; CompanionError if the cycle is not 1..16.

        Decisions are told as those of `player`, with `seconds` of the take at stream samples.
        """
        if not 1 <= cycle <= MAX_CYCLE:
            raise CompanionError(f"cycle is {cycle} bars; valid: 1 to {MAX_CYCLE}")
        self._transport, self._stem, self.cycle = transport, stem, cycle
        self._player, self._seconds = player, seconds
        self._lead_samples = round(LEAD_S * transport.rate)
        self._last_lead_samples = round(LAST_LEAD_S * transport.rate)
        self._hold = False
        self._back_to: int | None = None  # on hold, only bars before this one are repeated
        self._next = 0  # the first bar not yet decided
        self._repeated = 0  # bars in a row
        self.muted: set[int] = set()
        self.coming = range(0)

    @property
    def hold(self) -> bool:
        """While True no plan is made and the last cycle is repeated, or that before an `undo`."""
        return self._hold

    @hold.setter
    def hold(self, on: bool) -> None:
        self._hold = on
        if not on:
            self._back_to = None

    def undo(self, now_samples: int) -> bool:
        """On hold, repeat what sounded before the plan that sounds; again, before that one.

        False where nothing did.
        """
        last = self._transport.bar_at(now_samples) if self._back_to is None else self._back_to - 1
        first = self._stem.clips.first_of(last)
        if first is None or self._stem.clips.first_of(first - 1) is None:
            return False
        self._back_to = first
        return True

    @property
    def next_bar(self) -> int:
        """The first bar that it is not decided what it is."""
        return self._next

    def deadline_samples(self, bar: int) -> int:
        """The stream sample by which a bar's sound must be there."""
        return self._transport.bar_start_samples(bar) - self._lead_samples

    def last_call_samples(self, bar: int) -> int:
        """The stream sample from which on nothing new can sound in a bar."""
        return self._transport.bar_start_samples(bar) - self._last_lead_samples

    def first_bar(self, ready_samples: int) -> int:
        """The first bar that something ready at `ready_samples` is in time for."""
        at = ready_samples + self._lead_samples
        bar = self._transport.bar_at(at)
        return bar if self._transport.bar_start_samples(bar) >= at else bar + 1

    def open_bar(self, now_samples: int) -> int:
        """The first bar that what is there now can still be laid in."""
        return self._next if self._waits(self._next, now_samples) else self.first_bar(now_samples)

    def repeats(self, end_bar: int) -> dict[int, int]:
        """Bars up to `end_bar` that are not settled and will repeat another, and which one."""
        repeats = {}
        for bar in range(self._next, end_bar):
            source = self._source(bar)
            open_ = self.hold or self._stem.clips.get(bar) is None
            if source is not None and open_ and bar not in self.muted:
                repeats[bar] = source
        return repeats

    def due(self, now_samples: int) -> list[BarDecision]:
        """What sounds in each bar whose deadline has come since the last call, from bar 0 on."""
        decisions = []
        while now_samples >= self.deadline_samples(self._next):
            if self._waits(self._next, now_samples):
                break
            decisions.append(self._decide(self._next, now_samples))
            self._next += 1
        return decisions

    def _waits(self, bar: int, now: int) -> bool:
        """Whether a bar has no plan, and one may yet come that is worth waiting for."""
        return (
            not self.hold
            and bar >= self._first_cycle_end
            and self._stem.clips.get(bar) is None
            and (bar in self.coming or self._source(bar) is None)
            and not self._is_muted(bar)
            and now <= self.last_call_samples(bar)
        )

    def _decide(self, bar: int, now: int) -> BarDecision:
        clip, source = self._stem.clips.get(bar), self._source(bar)
        if self.hold and source is not None:
            return self._repeat(bar, source, now, f"on hold: bar {source} again", expected=False)
        if clip is not None:
            self._repeated = 0
            sounding: Sounding = "older plan" if clip.plan_bar else "plan"
            reason = f"bar {clip.plan_bar} of plan {clip.epoch}"
            return self._decision(bar, sounding, clip.ready_samples, reason, clip=clip)
        if self._is_muted(bar):
            self.muted.add(bar)  # until a plan says otherwise
            self.muted.discard(bar - MAX_CYCLE)
            return self._decision(bar, "silence", now, "silent input", expected=False)
        if bar < self._first_cycle_end and source is None:
            return self._decision(bar, "silence", now, "first cycle", expected=False)
        if self.hold:
            return self._decision(bar, "silence", now, "on hold, nothing to repeat", expected=False)
        limit = max(LEAST_REPEATED_BARS, REPEATED_CYCLES * self.cycle)
        if source is None:
            return self._decision(bar, "silence", now, "no plan in time, nothing to repeat")
        if self._repeated > limit:
            return self._decision(bar, "silence", now, f"no plan for {limit} bars")
        self._repeated += 1
        fades = self._repeated > limit
        reason = f"no plan in time: bar {source} again" + (", fading out" if fades else "")
        return self._repeat(bar, source, now, reason, fades=fades)

    def _source(self, bar: int) -> int | None:
        return self._stem.clips.source(bar, self.cycle, self._back_to)

    def _is_muted(self, bar: int) -> bool:
        """Nothing was heard, and no plan has said otherwise since."""
        return bar in self.muted or bar - 1 in self.muted

    @property
    def _first_cycle_end(self) -> int:
        """The first bar in which something is expected; bar 1 is too near whatever the cycle."""
        return max(self.cycle, 2)

    def _repeat(
        self,
        bar: int,
        source: int,
        now: int,
        reason: str,
        expected: bool = True,
        fades: bool = False,
    ) -> BarDecision:
        placement = self._stem.again(bar, source, now, fades)
        return self._decision(
            bar, "repeat", now, reason, expected, placement.bar_clips[bar], placement
        )

    def _decision(
        self,
        bar: int,
        sounding: Sounding,
        actual_samples: int,
        reason: str,
        expected: bool = True,
        clip: BarClip | None = None,
        placement: Placement | None = None,
    ) -> BarDecision:
        event = BarSounded(
            bar=bar,
            player=self._player,
            sounding=sounding,
            desired_s=self._seconds(self.deadline_samples(bar)),
            actual_s=self._seconds(actual_samples),
            epoch=None if clip is None else clip.epoch,
            staleness_bars=None if clip is None else clip.plan_bar,
            reason=reason,
            expected=expected,
            source=None if placement is None else placement.source,
            fades=placement is not None and placement.fades,
        )
        return BarDecision(event, placement)
