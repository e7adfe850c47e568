"""What the page shows of a session at one moment: made in the session's thread, never changed."""

from __future__ import annotations

from dataclasses import dataclass

from companion.listen.chord import Chord
from companion.players.metrics import PlayerMetrics
from companion.session.trouble import Trouble
from companion.take.events import Sounding


@dataclass(frozen=True, slots=True)
class BarView:
    """One bar of a player's stem, past or to come."""

    bar: int  # from 0
    sounding: Sounding | None  # what it was decided to be; None before, or where none is due
    settled: bool  # whether that is decided
    laid: bool  # whether a clip lies on the timeline for it
    coming: bool  # whether a plan is being made for it
    epoch: int | None  # of the plan that the clip is from


@dataclass(frozen=True, slots=True)
class PlayerView:
    """One player."""

    name: str
    sounding: Sounding | None  # of the present bar; None where none is due
    metrics: PlayerMetrics | None  # of the present bar
    slack_s: float | None  # when its last plan was ready; negative when it was late
    isr: float | None  # 0..1
    progress: float  # share (0..1) that is done of the plan that is being made; 0 while none is
    bars: tuple[BarView, ...]


@dataclass(frozen=True, slots=True)
class ChordView:
    """A chord from some place in a bar on."""

    bar: int
    place: float  # 0 to less than 1
    chord: Chord | None  # None: no chord
    written: str | None  # what the chart calls it; None where somebody else has told it


@dataclass(frozen=True, slots=True)
class View:
    """A session."""

    position: int  # stream sample
    bar: int  # negative in the count-in
    bars: int | None  # how many there will be
    bars_before: int  # in the take that this one goes on from
    song_bar: int | None  # in the song of a MIDI master, from 0
    lines: tuple[tuple[int, int], ...]  # bars around this one, and the stream samples they start at
    beat: float  # at `position`, from bar 0
    bpm: float
    clock: str  # who leads
    running: bool  # False while that one is stopped
    sure: float  # of its beats, 0..1
    off_s: float  # how far behind it we are
    cycle_holds: bool
    xruns: int
    players: tuple[PlayerView, ...]
    chords: tuple[ChordView, ...]  # of this bar and those to come; none where none are told
    now: tuple[Trouble, ...]  # what is wrong or went wrong a moment ago, the gravest first
    whole_set: tuple[Trouble, ...]  # what went wrong since the beginning, likewise
