"""What happened in a take: one JSON object a line, in the order it happened.

Every line has a `type`, the `bar` it happened in (counted from 0; the count-in is negative) and
`time_s`, the seconds since the first sample of the take's audio files. The other fields are those
of the event's class below. Times in seconds are rounded to the microsecond; stream samples and all
else that decides what is played are exact, so that a take can be replayed.
"""

from __future__ import annotations

import contextlib
import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Literal, TypedDict

from companion.system.errors import CompanionError

EVENTS_FILE = "events.jsonl"

Sounding = Literal["plan", "older plan", "repeat", "silence"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    """Something that happened in bar `bar`, `time_s` seconds into the take."""

    type: ClassVar[str]
    bar: int
    time_s: float


class When(TypedDict):
    """What every event begins with."""

    bar: int
    time_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeStarted(Event):
    """The take's first line: what a reader needs to lay the rest on a time line."""

    type: ClassVar[str] = "take"
    preset: str
    players: tuple[str, ...]
    rate: int  # Hz
    bpm: float
    beats_per_bar: int
    meter: str  # as it is written: in 6/8 a bar has two beats, in 7/8 seven
    bars: int | None  # None: until stopped
    first_bar_s: float  # where bar 0 starts, after the count-in
    bar_s: float
    input: str
    output: str
    start_samples: int = 0  # stream sample of the files' first
    origin_samples: int = 0  # of bar 0
    bpm_exact: str = ""  # as a fraction
    seed: int = 0
    device: str = ""  # that the generator computes on
    threads: int = 0  # that it computes with
    gains: Mapping[str, float] = field(default_factory=dict)  # of the players, linear
    version: str = ""
    weights: str = ""  # digest
    continues: str = ""  # the take that this one goes on from
    bars_before: int = 0  # bars of the set that were played there
    machine: Mapping[str, str] = field(default_factory=dict)  # what may decide the last bits


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanHeard(Event):
    """A player heard what is in the window of a plan."""

    type: ClassVar[str] = "heard"
    player: str
    epoch: int
    seed: int
    first_bar: int
    bpm: str  # of its grid, as a fraction
    heard_samples: int  # how far the input was heard
    cycle: int
    stand_in_from: int  # the first bar that might stand in for another
    others: Mapping[str, Any]  # players that were heard: gain, and bars taken to repeat others


@dataclass(frozen=True, slots=True, kw_only=True)
class Unheard(Event):
    """All stretches of the stream that no device heard, [first, end) samples, as known by now."""

    type: ClassVar[str] = "unheard"
    samples: tuple[tuple[int, int | None], ...]  # the last has no end while it lasts


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMuted(Event):
    """Nothing was heard: no plan is made, and these bars, end excluded, fall silent."""

    type: ClassVar[str] = "muted"
    player: str
    epoch: int
    bars: tuple[int, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanAsked(Event):
    """A plan was asked for."""

    type: ClassVar[str] = "asked"
    player: str
    epoch: int
    round: int  # plans of one round are made together
    stems: int  # two where there is a choice
    prefix_frames: int
    repeats: Mapping[int, int]  # bars of the prefix that were going to repeat others
    knobs: Mapping[str, Any]
    steps: tuple[int, ...]  # that there was time for, as all that follows
    guidance: Mapping[str, float]
    form: str
    digest: str  # of the request


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanMade(Event):
    """A plan came back: bars `first_bar` to `first_bar + bars - 1` of one player."""

    type: ClassVar[str] = "plan"
    player: str
    epoch: int
    first_bar: int
    bars: int
    desired_s: float  # when it had to be ready for its first bar to sound
    actual_s: float  # when it was
    seed: int
    instrument: str
    knobs: Mapping[str, Any]  # the player's parameters as this plan used them
    timings_s: Mapping[str, float] = field(default_factory=dict)
    reason: str = ""  # what became of it: in time, or why (some of) its bars were not placed
    round: int = 0  # plans of one round were made together
    asked_s: float = 0.0  # when it was asked for
    steps: tuple[int, ...] = ()  # decode steps of each level that there was time for
    passes: int = 0  # guidance passes a step that there was time for
    guidance: Mapping[str, float] = field(default_factory=dict)  # as it was made
    form: str = ""
    steps_done: int = 0  # fewer than the sum of `steps` where it was hurried
    stem: int = 0  # which of those to choose from
    cut_from: int | None = None  # the first of its bars that were cut for the timeline
    digest: str = ""  # of what came back

    @property
    def slack_s(self) -> float:
        """Seconds left when the plan was ready; negative when it was late."""
        return self.desired_s - self.actual_s


@dataclass(frozen=True, slots=True, kw_only=True)
class PlanFailed(Event):
    """A plan that never came: what sounds instead is in the `bar` events."""

    type: ClassVar[str] = "plan failed"
    player: str
    epoch: int
    first_bar: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BarSounded(Event):
    """What one player's stem is in this bar, decided a while before it starts."""

    type: ClassVar[str] = "bar"
    player: str
    sounding: Sounding
    desired_s: float  # when its sound had to be there
    actual_s: float  # when it was; for a repeat or silence, when that was decided
    epoch: int | None = None  # of the plan that sounds
    staleness_bars: int | None = None  # which bar of that plan it is, from 0
    reason: str = ""
    expected: bool = True  # whether a stem was due: not in the first cycle, on silence, on hold
    source: int | None = None  # the bar that is repeated
    fades: bool = False  # over this bar

    @property
    def slack_s(self) -> float:
        """Seconds left when its sound was there; negative when it was late."""
        return self.desired_s - self.actual_s


@dataclass(frozen=True, slots=True, kw_only=True)
class BarMeasured(Event):
    """How the rig and each player are in a bar that begins; see `companion.players.metrics`."""

    type: ClassVar[str] = "metrics"
    slack_s: float | None
    staleness_bars: int | None
    isr: float | None
    steps: int | None
    fallback: str
    cycle: int  # bars
    cycle_holds: bool  # whether what is heard follows the cycle
    cycle_confidence: float | None  # how like the bars are to those a cycle before, 0..1
    xruns: int
    players: Mapping[str, Mapping[str, Any]]


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipCut(Event):
    """A clip was made by hand: a bar once more (`source`), or bars of a plan's other stem."""

    type: ClassVar[str] = "cut"
    player: str
    first_bar: int
    source: int | None
    epoch: int | None
    stem: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ClipPlaced(Event):
    """A clip went onto a player's timeline: bars of a plan, a repeat, or silence (no epoch)."""

    type: ClassVar[str] = "placed"
    player: str
    sample: int  # where the stream was
    start_samples: int
    samples: int  # length
    epoch: int | None
    number: int | None  # of the clip among those that were made for the player, from 0
    moved: bool = False  # what was there already, moved to where its beats lie now


@dataclass(frozen=True, slots=True, kw_only=True)
class GainSet(Event):
    """A player's gain moves to another value from a sample on."""

    type: ClassVar[str] = "gain"
    player: str
    sample: int
    gain: float  # linear


@dataclass(frozen=True, slots=True, kw_only=True)
class FadedIn(Event):
    """All players rise from silence from a sample on: the sound device is back."""

    type: ClassVar[str] = "faded in"
    sample: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TempoMoved(Event):
    """From a sample on the tempo is another one; `time_s` is when that is."""

    type: ClassVar[str] = "tempo"
    beat: float
    bpm: float
    sample: int
    beat_exact: str  # as fractions
    beat_samples: str


@dataclass(frozen=True, slots=True, kw_only=True)
class KnobMoved(Event):
    """A parameter was set; `player` is None for one of the whole rig."""

    type: ClassVar[str] = "knob"
    name: str
    player: str | None
    value: Any
    moved_by: str  # midi, osc, ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Incident(Event):
    """Something that should not happen: `what` is a fixed name, `detail` a sentence."""

    type: ClassVar[str] = "incident"
    what: str
    detail: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TroubleTold(Event):
    """What the performer was told of: something that went wrong, or is over."""

    type: ClassVar[str] = "trouble"
    kind: str  # see `companion.session.trouble`
    severity: int  # 3 the gravest, 0 news
    detail: str
    over: bool
    times: int  # that it began or happened, by then


@dataclass(frozen=True, slots=True, kw_only=True)
class TakeEnded(Event):
    """The take's last line, with its figures."""

    type: ClassVar[str] = "end"
    reason: str
    figures: Mapping[str, float]


def read_events(path: Path) -> list[dict[str, Any]]:
    """Every event of an `events.jsonl`, oldest first.

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
    events = [parse_event(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]
    if unfinished.strip():
        with contextlib.suppress(CompanionError):
            events.append(parse_event(unfinished, str(path)))
    return events


def event_line(event: Event) -> bytes:
    """An event as the log has it, line break included."""
    return (json.dumps(_as_json(event)) + "\n").encode()


def parse_event(line: bytes, where: str) -> dict[str, Any]:
    """A line of the log; CompanionError, in which the line is called `where`, if it is none."""
    try:
        event = json.loads(line)
    except ValueError as error:
        raise CompanionError(f"{where} is not JSON ({error}); valid: one event a line") from error
    if not isinstance(event, dict) or not {"type", "bar", "time_s"} <= event.keys():
        raise CompanionError(
            f"{where} is no event; valid: an object with type, bar and time_s, one a line"
        )
    return event


def _as_json(event: Event) -> dict[str, Any]:
    fields = {
        f.name: _plain(getattr(event, f.name), rounded=f.name.endswith("_s"))
        for f in dataclasses.fields(event)
    }
    if isinstance(event, PlanMade | BarSounded):
        fields["slack_s"] = _plain(event.slack_s, rounded=True)
    return {"type": event.type, **fields}


def _plain(value: Any, rounded: bool) -> Any:
    """`value` in JSON's own types: to the microsecond if wanted, NaN and infinity as null."""
    if hasattr(value, "item"):  # a numpy scalar
        value = value.item()
    if value is None or isinstance(value, bool | int | str):
        return value
    if isinstance(value, Mapping):
        return {str(key): _plain(item, rounded) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, rounded) for item in value]
    try:
        number = float(value)
    except (TypeError, ValueError):
        return str(value)
    if not math.isfinite(number):
        return None
    return round(number, 6) if rounded else number
