"""Going on with a set that was cut off: the same rig, knobs, cycle and tempo, at the next bar."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from fractions import Fraction
from math import floor
from pathlib import Path

from companion.clock.grid import within_range
from companion.control.parameters import PARAMETERS, Value
from companion.control.preset import Preset, load_preset
from companion.control.store import ParameterStore, Snapshot
from companion.system.errors import CompanionError
from companion.take.event_log import is_locked
from companion.take.events import (
    EVENTS_FILE,
    Event,
    KnobMoved,
    PresetTaken,
    TakeEnded,
    read_events,
    start_of,
)
from companion.take.recover import recover
from companion.take.take import PRESET_FILE
from companion.take.tempo_map import TempoMap, tempo_map

TEMPO_STEPS = 1000
"""A tempo that was followed is taken to a thousandth."""


@dataclass(frozen=True, slots=True)
class Resumed:
    """What a jam goes on with."""

    preset: Preset  # as the rig stood, with the bars that are left
    begun: Preset  # as the set began
    playing: str  # which of the set's presets played
    chart_from: int  # bar in which its chart began, counted from the one to go on at
    seed: int  # of the session
    continues: str  # name of the take
    bars_before: int  # bars of the set that were begun so far
    lost: tuple[str, ...]  # what the crash cost, a line each


def resume(take: Path) -> Resumed:
    """Make the take valid, and say how to go on from it.

    Raises:
        CompanionError: it holds no take, or is still being written, or its last bar was played.
    """
    lost = recover(take, picture=False).changes
    events = read_events(take / EVENTS_FILE)
    begun = start_of(events)
    assert begun is not None  # else there was nothing to recover
    preset = replace(load_preset(str(take / PRESET_FILE)), name=begun.preset, file=None)
    tempo = tempo_map(begun, events)
    end_s = max(event.time_s for event in events if isinstance(event, TakeEnded))
    played = max(0, floor(tempo.beat_at(end_s) / tempo.beats_per_bar) + 1)
    left = None if preset.bars is None else preset.bars - played
    if left is not None and left <= 0:
        raise CompanionError(
            f"take {str(take)!r} was played to its last bar; valid: one that was cut off"
        )
    taken = [event for event in events if isinstance(event, PresetTaken)]
    before = begun.bars_before + played
    return Resumed(
        begun=preset,
        playing=taken[-1].preset if taken else preset.name,
        chart_from=max(0, taken[-1].bar) - played if taken else -before,
        preset=replace(
            _as_it_stood(preset, events), bars=left, bpm=_last_tempo(begun.bpm_exact, tempo)
        ),
        seed=begun.seed + played,  # other dice than at the set's start
        continues=take.resolve().name,
        bars_before=before,
        lost=lost,
    )


def cut_off(takes: Path) -> Path | None:
    """The newest take of a folder if it never ended and nobody plays it any more.

    What never began is no take: it does not hide an older one.
    """
    for log in _newest_first(takes):
        try:
            if is_locked(log):
                return None
            events = read_events(log)
        except CompanionError:  # it cannot be read
            return None
        if events:
            unended = start_of(events) is not None and not isinstance(events[-1], TakeEnded)
            return log.parent if unended else None
    return None


def _newest_first(takes: Path) -> list[Path]:
    """The logs in a folder of takes."""
    found: list[tuple[float, Path]] = []
    with suppress(OSError):
        for log in takes.glob(f"*/{EVENTS_FILE}"):
            with suppress(OSError):  # it has just been removed
                found.append((log.stat().st_mtime, log))
    return [log for _, log in sorted(found, reverse=True)]


def _last_tempo(begun: str, tempo: TempoMap) -> Fraction:
    if len(tempo.segments) == 1:
        return Fraction(begun)
    return within_range(Fraction(round(tempo.segments[-1].bpm * TEMPO_STEPS), TEMPO_STEPS))


def _as_it_stood(preset: Preset, events: Sequence[Event]) -> Preset:
    """The preset with every knob where it was turned to last."""
    store: ParameterStore = preset.store()
    for event in events:
        if isinstance(event, KnobMoved):
            store.set(event.name, event.value, event.player, event.moved_by)
    players = tuple(
        replace(player, knobs=_turned(store.snapshot(player.name))) for player in preset.players
    )
    # A cycle that is given would be kept; whether it is found or kept is said as well.
    rig = {**_turned(store.snapshot()), "find_cycle": store.snapshot()["find_cycle"]}
    rig.pop("bpm", None)  # the tempo map knows it
    return replace(preset, players=players, knobs=rig)


def _turned(values: Snapshot) -> dict[str, Value]:
    """Knobs that are not where the table has them."""
    return {
        knob.name: values[knob.name]
        for knob in PARAMETERS
        if knob.name in values and knob.kind != "trigger" and values[knob.name] != knob.default
    }
