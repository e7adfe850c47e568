"""How the session goes, told bar by bar: to the take, to the status line, and over OSC.

*Threading*: belongs to the session's thread, but for `latest`, which any may read.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from companion.control.osc_out import OscSender
from companion.control.store import Change, ParameterStore
from companion.players.journal import Journal
from companion.players.metrics import BarMetrics, Metrics, PlayerMetrics
from companion.session.ear import Ear
from companion.session.osc_feed import OscFeed
from companion.session.trouble import Trouble
from companion.take.events import BarMeasured, TroubleTold

if TYPE_CHECKING:
    from companion.audio.memory import AudioMemory
    from companion.clock.transport import Transport

LISTENING = PlayerMetrics(None, None, None, None, None, "none")
"""A player before the first bar."""


class Report:
    """Tells how each bar went: to the take, to the status line, and over OSC.

    Attributes:
        latest: metrics of the present bar; None before bar 0.
    """

    def __init__(
        self,
        metrics: Metrics,
        journal: Journal,
        ear: Ear,
        store: ParameterStore,
        memory: AudioMemory,
        transport: Transport,
        sender: OscSender | None,
    ) -> None:
        """Nothing told yet; `metrics` hears what the journal does, `sender` is None without OSC."""
        self.latest: BarMetrics | None = None
        self._metrics, self._journal, self._ear, self._store = metrics, journal, ear, store
        self._memory, self._transport = memory, transport
        self._feed = None
        if sender is not None:
            self._feed = OscFeed(sender, memory, transport, store, self._of)

    def start(self) -> None:
        """Tell what does not change by itself."""
        if self._feed is not None:
            self._feed.start()

    def turned(self, change: Change) -> None:
        """A knob was moved."""
        if self._feed is not None:
            self._feed.turned(change)

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
        if self._feed is not None:
            self._feed.trouble(trouble)

    def tick(self, now_samples: int) -> None:
        """Tell what is new; what was settled at this tick is."""
        for bar in self._metrics.begun(self._transport.bar_at(now_samples)):
            self.latest = latest = self._of(bar)
            measured = BarMeasured(
                slack_s=latest.slack_s,
                staleness_bars=latest.staleness_bars,
                isr=latest.isr,
                steps=latest.steps,
                fallback=latest.fallback,
                cycle=int(self._store.snapshot()["cycle"]),
                cycle_holds=self._ear.holds,
                cycle_confidence=self._ear.confidence,
                xruns=self._memory.counters.xruns,
                players=latest.players,
            )
            self._journal.write(measured, self._transport.bar_start_samples(bar))
        if self._feed is not None:
            self._feed.tick(now_samples)

    def of_player(self, name: str) -> PlayerMetrics:
        """The latest of a player; may be called from any thread."""
        latest = self.latest
        return LISTENING if latest is None else latest.players.get(name, LISTENING)

    def _of(self, bar: int) -> BarMetrics:
        return self._metrics.bar(bar, self._store.players)
