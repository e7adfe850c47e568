"""How well the players keep up, bar by bar: slack, staleness, ISR, steps, fallback.

Computed in this one place, from the very events that the take keeps; the status line, the take and
OSC show it.

*Threading*: `hear` and `bar` belong to the session's thread; what `bar` gives is unchanging.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal, TypeVar, get_args

from companion.players.settings import effort_of
from companion.take.events import BarSounded, Event, PlanMade, Sounding

Fallback = Literal["none", "fewer steps", "finished at once", "older plan", "repeat", "silence"]
FALLBACKS: tuple[Fallback, ...] = get_args(Fallback)
"""What a bar had to do without, the least first: their numbers are their places here."""
KEPT_PLANS = KEPT_BARS = 64
Kept = TypeVar("Kept")


@dataclass(frozen=True, slots=True)
class PlayerMetrics:
    """One player in one bar.

    Attributes:
        sounding: what its stem is; None where none is due, in the first cycle or on silent input.
        slack_s: how long before the time it had to be there its sound was; negative when late.
        staleness_bars: which bar of its plan it is, from 0; a repeat adds its distance.
        isr: share (0..1) of the bars due so far that had a stem ready; None before the first.
        steps: decode steps that its plan was made in, over all levels.
        fallback: what it had to do without.
    """

    sounding: Sounding | None
    slack_s: float | None
    staleness_bars: int | None
    isr: float | None
    steps: int | None
    fallback: Fallback

    @property
    def severity(self) -> int:
        """The fallback's place in `FALLBACKS`."""
        return FALLBACKS.index(self.fallback)


@dataclass(frozen=True, slots=True)
class BarMetrics:
    """The rig in one bar: of its players the least slack, the most staleness, the fewest steps.

    Attributes:
        bar: which, from 0.
        isr: over all players.
        fallback: the gravest.
        players: by name.
    """

    bar: int
    slack_s: float | None
    staleness_bars: int | None
    isr: float | None
    steps: int | None
    fallback: Fallback
    players: Mapping[str, PlayerMetrics]

    @property
    def severity(self) -> int:
        """The fallback's place in `FALLBACKS`."""
        return FALLBACKS.index(self.fallback)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is known of a plan: its steps, whether there was time for less than was wished for, and
    whether it was then finished at once."""

    steps: int
    less: bool
    hurried: bool


class Metrics:
    """Hears the events of a session and says how each bar went."""

    def __init__(self) -> None:
        """Nothing heard yet."""
        self._plans: dict[str, dict[int, _Plan]] = {}
        self._bars: dict[str, dict[int, BarSounded]] = {}
        self._due: dict[str, list[int]] = {}  # bars with a stem ready, bars due
        self._next_bar = 0

    def hear(self, event: Event) -> None:
        """Something happened; only plans and bars count."""
        if isinstance(event, PlanMade):
            wish = effort_of(event.knobs)
            allowed = sum(event.steps)
            less = allowed < sum(wish.steps) or event.passes < wish.passes
            plan = _Plan(event.steps_done, less, event.steps_done < allowed)
            _keep(self._plans, event.player, event.epoch, plan, KEPT_PLANS)
        elif isinstance(event, BarSounded):
            _keep(self._bars, event.player, event.bar, event, KEPT_BARS)
            ready, due = self._due.get(event.player, [0, 0])
            ready += event.expected and event.sounding in ("plan", "older plan")
            self._due[event.player] = [ready, due + event.expected]

    def begun(self, bar: int) -> range:
        """The bars from 0 on that have begun since the last call, `bar` being the present one."""
        first = self._next_bar
        self._next_bar = max(first, bar + 1)
        return range(first, self._next_bar)

    def bar(self, bar: int, players: Iterable[str]) -> BarMetrics:
        """How the players are in a bar that has begun."""
        each = {player: self._player(player, bar) for player in players}
        ready = sum(self._due[player][0] for player in each if player in self._due)
        due = sum(self._due[player][1] for player in each if player in self._due)
        slack_s = [one.slack_s for one in each.values() if one.slack_s is not None]
        staleness = [m.staleness_bars for m in each.values() if m.staleness_bars is not None]
        steps = [one.steps for one in each.values() if one.steps is not None]
        return BarMetrics(
            bar=bar,
            slack_s=min(slack_s, default=None),
            staleness_bars=max(staleness, default=None),
            isr=ready / due if due else None,
            steps=min(steps, default=None),
            fallback=FALLBACKS[max((one.severity for one in each.values()), default=0)],
            players=each,
        )

    def _player(self, player: str, bar: int) -> PlayerMetrics:
        ready, due = self._due.get(player, (0, 0))
        isr = ready / due if due else None
        sounded = self._bars.get(player, {}).get(bar)
        if sounded is None or (sounded.sounding == "silence" and not sounded.expected):
            return PlayerMetrics(None, None, None, isr, None, "none")
        plan = None
        if sounded.epoch is not None:
            plan = self._plans.get(player, {}).get(sounded.epoch)
        return PlayerMetrics(
            sounding=sounded.sounding,
            slack_s=sounded.slack_s,
            staleness_bars=sounded.staleness_bars,
            isr=isr,
            steps=plan.steps if plan is not None else None,
            fallback=_fallback(sounded, plan),
        )


def _fallback(sounded: BarSounded, plan: _Plan | None) -> Fallback:
    if not sounded.expected:  # on hold, at the performer's wish
        return "none"
    if sounded.sounding != "plan":
        return sounded.sounding
    if plan is not None and plan.hurried:
        return "finished at once"
    return "fewer steps" if plan is not None and plan.less else "none"


def _keep(
    shelf: dict[str, dict[int, Kept]], player: str, number: int, what: Kept, most: int
) -> None:
    kept = shelf.setdefault(player, {})
    kept[number] = what
    while len(kept) > most:
        kept.pop(min(kept))
