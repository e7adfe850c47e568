"""A session at a glance: what a performer wants to know while playing."""

from __future__ import annotations

from dataclasses import dataclass

from companion.players.metrics import PlayerMetrics
from companion.session.trouble import Trouble
from companion.take.events import Sounding


@dataclass(frozen=True, slots=True)
class PlayerStatus:
    """One player, now."""

    name: str
    # what its stem is in the present bar; None where none is due, because it is still listening, or
    # hears nothing
    sounding: Sounding | None
    slack_s: float | None  # time left when its last plan was ready; None before the first
    isr: float | None  # share (0..1) of the bars due that had a stem ready; None before the first
    level: float  # peak, linear
    metrics: PlayerMetrics | None = None  # of the present bar; None where nobody measures


@dataclass(frozen=True, slots=True)
class Status:
    """The session, now."""

    bar: int  # the present bar, from 0; negative in the count-in
    bars: int | None  # how many it will play, None if it is not to end by itself
    players: tuple[PlayerStatus, ...]
    input_level: float  # peak, linear
    output_level: float  # likewise
    xruns: int  # blocks that the device marked as lost
    troubles: tuple[Trouble, ...]  # what is wrong or went wrong a moment ago, the gravest first
    cycle: int  # bars after which the music is taken to repeat
    cycle_holds: bool = True  # False while what is heard contradicts it
    bars_before: int = 0  # bars of the set that were played in the take that this one goes on from
    # the present bar in the song of a MIDI master, from 0; None without one
    song_bar: int | None = None

    @property
    def trouble(self) -> str:
        """The gravest trouble, one line; empty if there is none."""
        return self.troubles[0].text if self.troubles else ""
