"""A session at a glance: what a performer wants to know while playing."""

from __future__ import annotations

from dataclasses import dataclass

from companion.players.metrics import PlayerMetrics
from companion.session.trouble import Trouble
from companion.take.events import Sounding


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """One player, now.

    Attributes:
        sounding: what its stem is in the present bar; None where none is due, because it is still
            listening, or hears nothing.
        slack_s: time left when its last plan was ready; None before the first.
        isr: share (0..1) of the bars due that had a stem ready; None before the first.
        level: peak, linear.
        metrics: of the present bar; None where nobody measures.
    """

    name: str
    sounding: Sounding | None
    slack_s: float | None
    isr: float | None
    level: float
    metrics: PlayerMetrics | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """The session, now.

    Attributes:
        bar: the present bar, from 0; negative in the count-in.
        bars: how many it will play, None if it is not to end by itself.
        input_level, output_level: peak, linear.
        xruns: blocks that the device marked as lost.
        song_bar: the present bar in the song of a MIDI master, from 0; None without one.
        bars_before: bars of the set that were played in the take that this one goes on from.
        troubles: what is wrong or went wrong a moment ago, the gravest first.
        cycle: bars after which the music is taken to repeat.
        cycle_holds: False while what is heard contradicts it.
    """

    bar: int
    bars: int | None
    players: tuple[PlayerStatus, ...]
    input_level: float
    output_level: float
    xruns: int
    troubles: tuple[Trouble, ...]
    cycle: int
    cycle_holds: bool = True
    bars_before: int = 0
    song_bar: int | None = None

    @property
    def trouble(self) -> str:
        """The gravest trouble, one line; empty if there is none."""
        return self.troubles[0].text if self.troubles else ""
