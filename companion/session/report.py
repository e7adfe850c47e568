"""How the session goes, told bar by bar: to the take, to the status line, and over OSC.

*Threading*: belongs to the session's thread, but for `of_player`, which any may call.
"""

from __future__ import annotations

from companion.players.desk import Desk
from companion.players.metrics import BarMetrics, PlayerMetrics
from companion.session.ear import Ear
from companion.session.osc_feed import OscFeed
from companion.session.trouble import Trouble
from companion.take.events import BarMeasured, TroubleTold

LISTENING = PlayerMetrics(None, None, None, None, None, "none")
"""A player before the first bar."""


class Report:
    """Tells how each bar went, and what goes wrong."""

    def __init__(self, desk: Desk, ear: Ear, feed: OscFeed) -> None:
        """Nothing told yet."""
        self._metrics, self._journal, self._store = desk.metrics, desk.journal, desk.store
        self._memory, self._transport = desk.memory, desk.transport
        self._ear, self._feed = ear, feed
        self._latest: BarMetrics | None = None  # of the present bar

    def trouble(self, trouble: Trouble, at_samples: int) -> None:
        """Something went wrong, or is over."""
        told = TroubleTold(
            kind=trouble.kind,
            severity=trouble.severity,
            detail=trouble.text,
            over=trouble.over,
            times=trouble.times,
        )
        self._journal.write(told, at_samples)
        self._feed.trouble(trouble)

    def tick(self, now_samples: int) -> None:
        """Tell what is new; what was settled at this tick is."""
        for bar in self._metrics.begun(self._transport.bar_at(now_samples)):
            self._latest = latest = self._metrics.bar(bar, self._store.players)
            measured = BarMeasured(
                slack_s=latest.rig.slack_s,
                staleness_bars=latest.rig.staleness_bars,
                isr=latest.rig.isr,
                steps=latest.rig.steps,
                fallback=latest.rig.fallback,
                cycle=int(self._store.snapshot()["cycle"]),
                cycle_holds=self._ear.holds,
                cycle_confidence=self._ear.confidence,
                xruns=self._memory.counters.xruns,
                players=latest.players,
            )
            self._journal.write(measured, self._transport.bar_start_samples(bar))
        self._feed.tick(now_samples)

    def of_player(self, name: str) -> PlayerMetrics:
        """The latest of a player."""
        latest = self._latest
        return LISTENING if latest is None else latest.players.get(name, LISTENING)
