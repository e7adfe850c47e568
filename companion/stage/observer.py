"""Looks at the session for who watches: at each tick that somebody does, some times a second.

*Threading*: `tick` belongs to the session's thread. `latest` may be read from any: it is one
unchanging value that is replaced as a whole.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from fractions import Fraction

from companion.listen.harmony import Harmony
from companion.players.player import Player
from companion.session.session import Session
from companion.session.status import PlayerStatus, Status
from companion.session.trouble import Trouble
from companion.stage.view import BarView, ChordView, PlayerView, View
from companion.system.errors import one_line

LOOKS_HZ = 30
"""For the page."""
PAST_BARS, AHEAD_BARS = 3, 6
"""Bars before and after the present one that are shown."""
AGAIN_S = 5.0
"""After a look that failed."""
CHORD_BARS = 8
FIRST = Fraction(0)


class Observer:
    """Makes a `View` of a session.

    Attributes:
        latest: the last one; None before the first, and while nobody watches.
    """

    def __init__(
        self,
        session: Session,
        watched: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
        looks_hz: int = LOOKS_HZ,
    ) -> None:
        """Nothing seen yet; while `watched` says nobody looks, nothing is done."""
        self._each_s = 1 / looks_hz
        self._session, self._watched, self._clock = session, watched, clock
        self._next_s = float("-inf")
        self._now: tuple[Trouble, ...] | None = None
        self._whole_set: tuple[Trouble, ...] = ()
        self.latest: View | None = None

    def tick(self, status: Status) -> None:
        """Look, if it is time for it."""
        if not self._watched():
            self.latest = None  # who comes next is not to be shown what was long ago
            return
        now_s = self._clock()
        if now_s >= self._next_s:
            self._next_s = now_s + self._each_s
            try:
                self.latest = self._look(status)
            except Exception as error:  # whatever it is, the set goes on
                self._next_s = now_s + AGAIN_S
                why = f"the stage page stands still: {one_line(error)}"
                self._session.troubles.happened("message", why, about="page")

    def _look(self, status: Status) -> View:
        session, transport, conductor = (
            self._session,
            self._session.transport,
            self._session.conductor,
        )
        position = session.rig.memory.position
        bars = range(status.bar - PAST_BARS, status.bar + AHEAD_BARS)
        progress = session.progress
        if status.troubles != self._now:
            self._now, self._whole_set = status.troubles, session.troubles.summary()
        return View(
            position=position,
            bar=status.bar,
            bars=status.bars,
            bars_before=status.bars_before,
            song_bar=status.song_bar,
            lines=tuple((bar, transport.bar_start_samples(bar)) for bar in (*bars, bars.stop)),
            beat=transport.beat_at(position),
            bpm=float(transport.bpm),
            clock=conductor.name,
            running=conductor.running,
            sure=conductor.confidence,
            off_s=conductor.error_s,
            cycle_holds=status.cycle_holds,
            xruns=status.xruns,
            players=tuple(
                self._player(player, told, bars, progress.get(player.name, 0.0))
                for player, told in zip(session.players, status.players, strict=True)
            ),
            chords=tuple(chords(session.harmony, range(status.bar, status.bar + CHORD_BARS))),
            now=status.troubles,
            whole_set=self._whole_set,
        )

    def _player(
        self, player: Player, status: PlayerStatus, bars: range, progress: float
    ) -> PlayerView:
        return PlayerView(
            name=player.name,
            sounding=status.sounding,
            metrics=status.metrics,
            slack_s=status.slack_s,
            isr=status.isr,
            progress=progress,
            bars=tuple(self._bar(player, bar) for bar in bars if bar >= 0),
        )

    def _bar(self, player: Player, bar: int) -> BarView:
        own = player.planner.bars
        clip = player.planner.stem.clips.get(bar)
        settled = bar < own.next_bar
        return BarView(
            bar=bar,
            sounding=self._session.metrics.sounding(player.name, bar) if settled else None,
            settled=settled,
            laid=clip is not None,
            coming=bar in own.coming,
            epoch=None if clip is None else clip.epoch,
        )


def chords(harmony: Harmony, bars: range) -> Iterator[ChordView]:
    """The chords of these bars, as far as any are told."""
    for bar in bars:
        first, chart = harmony.chart_at(bar)
        changes = () if chart is None else chart.bars[(bar - first) % len(chart.bars)]
        told = False
        for change in changes:
            chord = harmony.at(bar, change.place)
            if chord is change.chord:
                yield ChordView(bar, float(change.place), chord, change.name)
            elif not told:  # somebody else tells it, for the whole bar
                told = True
                yield ChordView(bar, float(change.place), chord, None)
        if not changes and (chord := harmony.at(bar, FIRST)) is not None:
            yield ChordView(bar, 0.0, chord, None)
