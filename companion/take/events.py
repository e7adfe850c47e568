"""What happened in a take: one JSON object a line, in the order it happened.

Each class below is what a line of its type holds, for whoever writes it and whoever reads it: a key
is the name of a field, in this order, behind `type`. Times in seconds, which end in `_s`, are
rounded to the microsecond; stream samples and all else that decides what is played are exact, so
that a take can be replayed. Takes are kept for years: a new field has a default, for the takes that
were recorded before, and none is renamed or taken away.
"""

from __future__ import annotations

import contextlib
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, ClassVar, Literal, dataclass_transform

from companion.system.errors import CompanionError
from companion.system.json_value import made, plain
from model.request import Form

EVENTS_FILE = "events.jsonl"

Sounding = Literal["plan", "older plan", "repeat", "silence"]


TYPES: dict[str, type[Event]] = {}
"""The table: the class of each type of line."""


@dataclass_transform(kw_only_default=True, frozen_default=True)
@dataclass(frozen=True, kw_only=True)
class Event:
    """Something that happened; the journal fills in when, the same for all.

    Classes of it are dataclasses as well, and in the table where they name the type of their lines.
    """

    type: ClassVar[str]
    bar: int = 0  # it happened in, counted from bar 0; the count-in is negative
    time_s: float = 0.0  # since the first sample of the take's audio files

    def __init_subclass__(cls, type: str = "") -> None:
        dataclass(frozen=True, kw_only=True)(cls)
        if type:
            cls.type, TYPES[type] = type, cls


class PlayerEvent(Event):
    """Something that happened to one player."""

    player: str  # its name


def _tell_slack(event: PlanMade | BarSounded) -> None:
    """Fill in the slack where it is not given."""
    if math.isnan(event.slack_s):
        object.__setattr__(event, "slack_s", event.desired_s - event.actual_s)


class TakeStarted(Event, type="take"):
    """The take's first line: what a reader needs to lay the rest on a time line."""

    preset: str  # its name
    players: tuple[str, ...]  # their names, in the order of their voices
    rate: int  # Hz
    bpm: float  # that it begins with
    beats_per_bar: int  # at least 1
    meter: str = "4/4"  # as it is written: in 6/8 a bar has two beats, in 7/8 seven
    bars: int | None  # None: until stopped
    first_bar_s: float  # where bar 0 starts, after the count-in
    bar_s: float  # length of a bar at that tempo
    input: str  # what the device is called that is listened to
    output: str  # and the one that is played through
    start_samples: int = 0  # stream sample of the files' first
    origin_samples: int = 0  # of bar 0
    bpm_exact: str = ""  # as a fraction
    seed: int = 0  # of every die in the session
    device: str = ""  # that the generator computes on
    threads: int = 0  # that it computes with
    gains: Mapping[str, float] = field(default_factory=dict)  # of the players, linear
    version: str = ""  # of the companion
    weights: str = ""  # digest
    continues: str = ""  # the take that this one goes on from
    bars_before: int = 0  # bars of the set that were played there
    machine: Mapping[str, str] = field(default_factory=dict)  # what may decide the last bits


@dataclass(frozen=True, slots=True)
class OtherHeard:
    """Another player in the window of a plan."""

    gain: float  # linear
    repeats: Mapping[int, int]  # its bars that were taken to repeat others, and those


class PresetTaken(Event, type="preset"):
    """From here on another preset of the set plays; the knobs it moved have lines of their own."""

    preset: str  # its name


class PlanHeard(PlayerEvent, type="heard"):
    """A player heard what is in the window of a plan."""

    epoch: int  # number of the player's plan, from 0
    seed: int  # of its dice
    first_bar: int  # that it is for
    bpm: str  # of its grid, as a fraction
    heard_samples: int  # how far the input was heard
    cycle: int  # that stood in for what was not played yet, bars
    stand_in_from: int  # the first bar that might stand in for another
    others: Mapping[str, OtherHeard]  # by name, those that were heard


class Unheard(Event, type="unheard"):
    """All stretches of the stream that no device heard, as known by now."""

    samples: tuple[tuple[int, int | None], ...]  # [first, end); the last has no end while it lasts


class SoundTaken(PlayerEvent, type="sound"):
    """What the recording sounds like that a player has from here on."""

    numbers: tuple[float, ...]  # as `StemRequest.sound`, exact; none where it has none any more


class ChordsTold(PlayerEvent, type="chords"):
    """The chords of a plan's window that the generator is told; no line where it is told none."""

    epoch: int  # of the plan
    # frames of the window from which on a chord sounds, its pitch classes and its bass
    changes: tuple[tuple[int, tuple[int, ...], int], ...]


class PlanMuted(PlayerEvent, type="muted"):
    """Nothing was heard: no plan is made, and older ones fall silent."""

    epoch: int  # of the plan
    bars: tuple[int, int] | None  # that fall silent, end excluded; None if none had to


class PlanAsked(PlayerEvent, type="asked"):
    """A plan was asked for."""

    epoch: int  # of the plan
    round: int  # plans of one round are made together
    stems: int  # two where there is a choice
    prefix_frames: int  # of its window, that were given
    repeats: Mapping[int, int]  # bars of the prefix that were going to repeat others
    knobs: Mapping[str, Any]  # of the player, as they were
    # of each level, or of whole frames; that there was time for, as all that follows
    steps: tuple[int, ...]
    guidance: Mapping[str, float]  # by what it leans on
    form: Form  # of the guidance
    digest: str  # of the request


class PlanMade(PlayerEvent, type="plan"):
    """A plan came back."""

    epoch: int  # of the plan
    first_bar: int  # that it is for
    bars: int  # that it is long
    desired_s: float  # when it had to be ready for its first bar to sound
    actual_s: float  # when it was
    seed: int  # of its dice
    instrument: str  # that it plays
    knobs: Mapping[str, Any]  # the player's parameters as this plan used them
    timings_s: Mapping[str, float] = field(default_factory=dict)  # what took how long
    reason: str = ""  # what became of it: in time, or why (some of) its bars were not placed
    round: int = 0  # plans of one round were made together
    asked_s: float = 0.0  # when it was asked for
    steps: tuple[int, ...] = ()  # decode steps of each level that there was time for
    passes: int = 0  # guidance passes a step that there was time for
    guidance: Mapping[str, float] = field(default_factory=dict)  # as it was made
    form: str = ""  # of the guidance
    steps_done: int = 0  # fewer than the sum of `steps` where it was hurried
    stem: int = 0  # which of those to choose from
    cut_from: int | None = None  # the first of its bars that were cut for the timeline
    digest: str = ""  # of what came back
    slack_s: float = math.nan  # left when it was ready; negative when it was late

    def __post_init__(self) -> None:
        _tell_slack(self)


class PlanFailed(PlayerEvent, type="plan failed"):
    """A plan that never came: what sounds instead is in the `bar` events."""

    epoch: int  # of the plan
    first_bar: int  # that it was for
    reason: str  # one line


class BarSounded(PlayerEvent, type="bar"):
    """What one player's stem is in this bar, decided a while before it starts."""

    sounding: Sounding  # what it is
    desired_s: float = math.nan  # when its sound had to be there
    actual_s: float = math.nan  # when it was; for a repeat or silence, when that was decided
    epoch: int | None = None  # of the plan that sounds
    staleness_bars: int | None = None  # which bar of that plan it is, from 0
    reason: str = ""  # one line
    expected: bool = True  # whether a stem was due: not in the first cycle, on silence, on hold
    source: int | None = None  # the bar that is repeated
    fades: bool = False  # over this bar
    slack_s: float = math.nan  # left when its sound was there; negative when it was late

    def __post_init__(self) -> None:
        _tell_slack(self)


class BarMeasured(Event, type="metrics"):
    """How the rig and each player are in a bar that begins; see `companion.players.metrics`."""

    slack_s: float | None  # the least of all players
    staleness_bars: int | None  # the most
    isr: float | None  # over all players, 0..1
    steps: int | None  # the fewest
    fallback: str  # the gravest
    cycle: int  # bars
    cycle_holds: bool  # whether what is heard follows the cycle
    cycle_confidence: float | None  # how like the bars are to those a cycle before, 0..1
    xruns: int  # so far
    players: Mapping[str, Any]  # the same of each, by name


class ClipCut(PlayerEvent, type="cut"):
    """A clip was made by hand: a bar once more, or bars of a plan's other stem."""

    first_bar: int  # that it is for
    source: int | None  # the bar that is repeated
    epoch: int | None  # of the plan
    stem: int  # which of the plan's


class ClipPlaced(PlayerEvent, type="placed"):
    """A clip went onto a player's timeline: bars of a plan, a repeat, or silence."""

    sample: int  # where the stream was
    start_samples: int  # where it starts
    samples: int  # length
    epoch: int | None  # of the plan; None for silence
    number: int | None = None  # among the clips that were made for the player, from 0
    moved: bool = False  # what was there already, moved to where its beats lie now


class GainSet(PlayerEvent, type="gain"):
    """A player's gain moves to another value."""

    sample: int  # from which on it does
    gain: float  # linear


class FadedIn(Event, type="faded in"):
    """All players rise from silence: the sound device is back."""

    sample: int  # from which on they do


class TempoMoved(Event, type="tempo"):
    """The tempo is another one from here on."""

    beat: float  # where that is
    bpm: float  # what it is
    sample: int  # where that is
    beat_exact: str  # as a fraction
    beat_samples: str  # length of a beat, as a fraction


class KnobMoved(Event, type="knob"):
    """A parameter was set."""

    name: str  # of the parameter
    player: str | None  # whose; None for one of the whole rig
    value: Any  # that it has now
    moved_by: str  # midi, osc, ...


class Incident(Event, type="incident"):
    """Something that should not happen."""

    what: str  # a fixed name
    detail: str  # a sentence


class TroubleTold(Event, type="trouble"):
    """What the performer was told of: something that went wrong, or is over."""

    kind: str  # see `companion.session.trouble`
    severity: int  # 3 the gravest, 0 news
    detail: str  # a sentence
    over: bool  # whether it is
    times: int  # that it began or happened, by then


class TakeEnded(Event, type="end"):
    """The take's last line."""

    reason: str  # one line
    figures: Mapping[str, float]  # the session in numbers


def read_events(path: Path) -> list[Event]:
    """Every event of an `events.jsonl` that this companion knows, oldest first.

    A last line cut short, by a power cut or a kill, is left out; any other line that is not an
    event is an error.

    Raises:
        CompanionError: the file cannot be read, or a line is no event.
    """
    try:
        lines = path.read_bytes().split(b"\n")
    except OSError as error:
        raise CompanionError(
            f"cannot read {str(path)!r} ({error.strerror or error}); valid: a take's {EVENTS_FILE}"
        ) from error
    unfinished = lines.pop()  # what follows the last line break: nothing, or half a line
    events = [decode(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    if unfinished.strip():
        with contextlib.suppress(CompanionError):
            events.append(decode(unfinished, str(path)))
    return [event for event in events if event is not None]


def start_of(events: Sequence[Event]) -> TakeStarted | None:
    """The first event of a take; None where these are of none."""
    return events[0] if events and isinstance(events[0], TakeStarted) else None


def encode(event: Event) -> str:
    """An event as a line of the log has it, without the line break."""
    names = [each.name for each in fields(event)]
    told = {name: plain(getattr(event, name), name.endswith("_s")) for name in names}
    return json.dumps({"type": event.type, **told})


def decode(line: bytes | str, where: str) -> Event | None:
    """The event of a line, which errors call `where`; None for a type that is not known here.

    CompanionError if it is none.
    """
    try:
        told = json.loads(line)
    except ValueError as error:
        raise CompanionError(f"{where} is not JSON ({error}); valid: one event a line") from error
    if not isinstance(told, dict) or not {"type", "bar", "time_s"} <= told.keys():
        raise CompanionError(
            f"{where} is no event; valid: an object with type, bar and time_s, one a line"
        )
    kind = TYPES.get(str(told["type"]))
    try:
        return None if kind is None else made(kind, told)
    except (TypeError, ValueError) as error:
        raise CompanionError(
            f"{where} is no {told['type']!r} event ({error}); valid: as the companion wrote it"
        ) from error
