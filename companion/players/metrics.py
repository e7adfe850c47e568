"""How well the players keep up, bar by bar: slack, staleness, ISR, steps, fallback.

Computed in this one place, from the very events that the take keeps; the status line, the take and
OSC show it.

*Threading*: `hear` and `bar` belong to the session's thread; what `bar` gives is unchanging.
`sounding` may be called from any, and what `tally` gives read from any.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, NamedTuple, TypeVar, get_args

from companion.players.settings import effort_of
from companion.take.events import BarSounded, Event, PlanMade, Sounding
from model.request import ALWAYS_GUIDED

Fallback = Literal["none", "fewer steps", "finished at once", "older plan", "repeat", "silence"]
FALLBACKS: tuple[Fallback, ...] = get_args(Fallback)
"""What a bar had to do without, the least first: their numbers are their places here."""
KEPT = 64
"""Plans and bars of a player that are remembered."""
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class PlayerMetrics:
    """One player in one bar."""

    # what its stem is; None where none is due, in the first cycle or on silent input
    sounding: Sounding | None
    # how long before the time it had to be there its sound was; negative when late
    slack_s: float | None
    staleness_bars: int | None  # which bar of its plan it is, from 0; a repeat adds its distance
    # share (0..1) of the bars due so far that had a stem ready; None before the first
    isr: float | None
    steps: int | None  # decode steps that its plan was made in, over all levels
    fallback: Fallback  # what it had to do without

    @property
    def severity(self) -> int:
        """The fallback's place in `FALLBACKS`."""
        return FALLBACKS.index(self.fallback)


class BarMetrics(NamedTuple):
    """The rig in one bar."""

    # of all players the least slack, the most staleness, the fewest steps, the gravest fallback,
    # and their ISR together
    rig: PlayerMetrics
    players: Mapping[str, PlayerMetrics]  # each by name


@dataclass(slots=True)
class Tally:
    """One player's bars and plans so far, counted."""

    due: int = 0  # bars that a stem was due in
    ready: int = 0  # those of them that had one ready, be it a later bar of an older plan
    repeated: int = 0  # those of them that repeated another bar; in the rest nothing sounded
    plans: int = 0  # that came back; `late` of them for their first bar
    late: int = 0
    # time left when the last plan was ready, negative when it was late; None before it
    slack_s: float | None = None
    least_slack_s: float | None = None  # the least of all plans

    @property
    def isr(self) -> float | None:
        """Share (0..1) of the bars due that had a stem ready; None before the first."""
        return self.ready / self.due if self.due else None

    def __add__(self, other: Tally) -> Tally:
        """Of two players together; of the slack the least."""
        slack_s = [t.slack_s for t in (self, other) if t.slack_s is not None]
        least_s = [t.least_slack_s for t in (self, other) if t.least_slack_s is not None]
        return Tally(
            self.due + other.due,
            self.ready + other.ready,
            self.repeated + other.repeated,
            self.plans + other.plans,
            self.late + other.late,
            min(slack_s, default=None),
            min(least_s, default=None),
        )

    def count_plan(self, plan: PlanMade) -> None:
        """A plan is there."""
        self.plans += 1
        self.late += plan.slack_s < 0.0
        self.slack_s = plan.slack_s
        least_s = self.least_slack_s
        self.least_slack_s = plan.slack_s if least_s is None else min(least_s, plan.slack_s)

    def count_bar(self, bar: BarSounded) -> None:
        """It is decided what a bar is."""
        if bar.expected:
            self.due += 1
            self.ready += bar.sounding in ("plan", "older plan")
            self.repeated += bar.sounding == "repeat"


class Metrics:
    """Hears the events of a session and says how each bar went."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        # By player, then by plan: the steps that it was made in, and what it had to do without.
        self._plans: defaultdict[str, dict[int, tuple[int, Fallback]]] = defaultdict(dict)
        self._bars: defaultdict[str, dict[int, BarSounded]] = defaultdict(dict)
        self._tallies: defaultdict[str, Tally] = defaultdict(Tally)
        self._next_bar = 0

    def sounding(self, player: str, bar: int) -> Sounding | None:
        """What a player's stem is in a bar, None where none is due."""
        sounded = self._due(player, bar)
        return None if sounded is None else sounded.sounding

    def tally(self, player: str) -> Tally:
        """A player's figures so far."""
        return self._tallies[player]

    def figures(self, players: Iterable[str]) -> dict[str, float]:
        """The players in numbers, by `player.figure`; what there is none of is left out."""
        figures: dict[str, float | None] = {}
        for player in players:
            tally = self._tallies[player]
            figures[f"{player}.plans"] = tally.plans
            figures[f"{player}.late_plans"] = tally.late
            figures[f"{player}.repeated_bars"] = tally.repeated
            figures[f"{player}.isr"] = tally.isr
            figures[f"{player}.least_slack_s"] = tally.least_slack_s
        return {name: figure for name, figure in figures.items() if figure is not None}

    def hear(self, event: Event) -> None:
        """Something happened; only plans and bars count."""
        if isinstance(event, PlanMade):
            _keep(self._plans[event.player], event.epoch, (event.steps_done, _less(event)))
            self._tallies[event.player].count_plan(event)
        elif isinstance(event, BarSounded):
            _keep(self._bars[event.player], event.bar, event)
            self._tallies[event.player].count_bar(event)

    def begun(self, bar: int) -> range:
        """The bars from 0 on that have begun since the last call, `bar` being the present one."""
        first = self._next_bar
        self._next_bar = max(first, bar + 1)
        return range(first, self._next_bar)

    def bar(self, bar: int, players: Iterable[str]) -> BarMetrics:
        """How the players are in a bar that has begun."""
        each = {player: self._player(player, bar) for player in players}
        together = sum((self._tallies[player] for player in each), Tally())
        slack_s = [one.slack_s for one in each.values() if one.slack_s is not None]
        staleness = [m.staleness_bars for m in each.values() if m.staleness_bars is not None]
        steps = [one.steps for one in each.values() if one.steps is not None]
        rig = PlayerMetrics(
            sounding=None,
            slack_s=min(slack_s, default=None),
            staleness_bars=max(staleness, default=None),
            isr=together.isr,
            steps=min(steps, default=None),
            fallback=FALLBACKS[max((one.severity for one in each.values()), default=0)],
        )
        return BarMetrics(rig, each)

    def _due(self, player: str, bar: int) -> BarSounded | None:
        """What was decided of a bar in which a stem is due."""
        sounded = self._bars[player].get(bar)
        silent = sounded is not None and sounded.sounding == "silence" and not sounded.expected
        return None if silent else sounded

    def _player(self, player: str, bar: int) -> PlayerMetrics:
        isr, sounded = self._tallies[player].isr, self._due(player, bar)
        if sounded is None:
            return PlayerMetrics(None, None, None, isr, None, "none")
        unknown: tuple[int | None, Fallback] = None, "none"
        epoch = -1 if sounded.epoch is None else sounded.epoch
        steps, less = self._plans[player].get(epoch, unknown)
        fallback = less if sounded.sounding == "plan" else sounded.sounding
        return PlayerMetrics(
            sounding=sounded.sounding,
            slack_s=sounded.slack_s,
            staleness_bars=sounded.staleness_bars,
            isr=isr,
            steps=steps,
            fallback=fallback if sounded.expected else "none",  # on hold, at the performer's wish
        )


def _less(plan: PlanMade) -> Fallback:
    """What a plan had to do without."""
    told = plan.guidance or ALWAYS_GUIDED  # of which an older take says nothing
    wish = effort_of(plan.knobs, told, len(plan.steps) == 1, plan.form == "distilled")
    allowed = sum(plan.steps)
    if plan.steps_done < allowed:
        return "finished at once"
    return "fewer steps" if allowed < sum(wish.steps) or plan.passes < wish.passes else "none"


def _keep(kept: dict[int, Kept], number: int, what: Kept) -> None:
    kept[number] = what
    while len(kept) > KEPT:
        kept.pop(min(kept))
