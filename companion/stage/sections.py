"""What is sent to the page, section by section: plain values, ready for JSON.

*Threading*: belongs to the server's thread.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from companion.control.learn import Learn, LearnState
from companion.control.mapped import Mapped
from companion.control.parameters import PARAMETERS
from companion.control.store import ParameterStore
from companion.players.settings import gain_of
from companion.session.session import Session
from companion.session.set_list import SetList
from companion.session.trouble import Trouble
from companion.stage.chord_name import chord_name
from companion.stage.observer import Observer
from companion.stage.peaks import COLUMNS_PER_S, Peaks, Stretch
from companion.stage.view import ChordView, PlayerView, View

Section = Any
"""Numbers, texts, lists and dictionaries of such."""


@dataclass(frozen=True, slots=True)
class Watched:
    """A session that is watched, and what goes with it."""

    session: Session
    observer: Observer
    peaks: Peaks
    learn: Learn | None = None
    presets: SetList | None = None


def table() -> Section:
    """Every knob, from the one table; where each lies is the page's business."""
    return [
        {
            "name": knob.name,
            "kind": knob.kind,
            "scope": knob.scope,
            "default": knob.default,
            "minimum": knob.minimum,
            "maximum": knob.maximum,
            "unit": knob.unit,
            "acts": knob.acts,
            "description": knob.description,
            "curve": knob.curve,
            "choices": list(knob.choices),
            "locks": knob.locks,
        }
        for knob in PARAMETERS
    ]


def opening(watched: Watched) -> Section:
    """What does not change in a set."""
    session = watched.session
    return {
        "table": table(),
        "names": list(session.store.players),
        "preset": session.preset.name,
        "meter": session.preset.meter.name,
        "beats": session.transport.beats_per_bar,
        "rate": session.rig.rate,
        "hop": watched.peaks.hop,
        "columns": COLUMNS_PER_S,
        "devices": [session.rig.input, session.rig.output],
        "chart": session.harmony.told,
    }


def moving(watched: Watched, view: View) -> Section:
    """What changes from one look to the next: time and levels."""
    meters = watched.session.rig.memory.meters
    return {
        "now": view.position,
        "beat": round(view.beat, 4),
        "bpm": round(view.bpm, 3),
        "in": round(meters.input, 3),
        "out": round(meters.output, 3),
        "levels": [round(level, 3) for level in meters.voices[1:]],
    }


def sections(watched: Watched, view: View) -> dict[str, Section]:
    """What changes now and then, and is sent when it has."""
    learn, presets, session = watched.learn, watched.presets, watched.session
    return {
        "place": {
            "bar": view.bar,
            "bars": view.bars,
            "before": view.bars_before,
            "song": view.song_bar,
            "lines": view.lines,
        },
        "knobs": knobs(session.store),
        "players": [_player(player) for player in view.players],
        "chords": [_chord(each) for each in view.chords],
        "clock": {
            "name": view.clock,
            "running": view.running,
            "sure": round(view.sure, 1),
            "off": round(1000 * view.off_s),
            "holds": view.cycle_holds,
            "xruns": view.xruns,
            "trip": session.rig.performed.round_trip_samples,
        },
        "trouble": [_trouble(each) for each in view.now],
        "log": [_trouble(each) for each in view.whole_set],
        "learn": None if learn is None else _learn(learn.state()),
        # The one that is chosen, though it may have to wait for its bar line.
        "presets": None if presets is None else [presets.coming or presets.current, *presets.names],
    }


def knobs(store: ParameterStore) -> dict[str, Mapping[str, Any]]:
    """All values; the rig's under the empty name, which no player has."""
    values = {player: dict(store.snapshot(player)) for player in store.players}
    return {"": dict(store.snapshot()), **values}


def waves(watched: Watched, view: View) -> list[Stretch]:
    """What has sounded and what has been laid since the last call."""
    levels = [watched.session.store.snapshot(player.name)["level"] for player in view.players]
    return watched.peaks.advance(
        [player.bars for player in view.players], [gain_of(level) for level in levels]
    )


def waves_section(stretches: Iterable[Stretch]) -> Section:
    """Lane, first column, and the columns as base64."""
    return [[one.lane, one.first, b64encode(one.peaks).decode()] for one in stretches]


def _player(player: PlayerView) -> Section:
    metrics = player.metrics
    return {
        "name": player.name,
        "sounding": player.sounding,
        "slack": None if player.slack_s is None else round(player.slack_s, 2),
        "isr": None if player.isr is None else round(player.isr, 3),
        "steps": None if metrics is None else metrics.steps,
        "stale": None if metrics is None else metrics.staleness_bars,
        "fallback": "none" if metrics is None else metrics.fallback,
        "bars": [
            [bar.bar, bar.sounding, bar.settled, bar.laid, bar.coming, bar.epoch]
            for bar in player.bars
        ],
    }


def _chord(chord: ChordView) -> Section:
    # Named here: it may take as long as a tick of the session's.
    written = chord.written
    return [chord.bar, chord.place, chord_name(chord.chord) if written is None else written]


def _trouble(trouble: Trouble) -> Section:
    return {
        "kind": trouble.kind,
        "about": trouble.about,
        "severity": trouble.severity,
        "text": trouble.text,
        "over": trouble.over,
        "times": trouble.times,
        "since": round(trouble.since_s, 1),
    }


def _learn(state: LearnState) -> Section:
    return {
        "on": state.on,
        "chosen": state.chosen,
        "mappings": [
            mapping_section(each)
            | {"clashes": list(each.clashes), "waits": list(each.waits_for.items())}
            for each in state.mappings
        ],
    }


def mapping_section(mapped: Mapped) -> dict[str, Section]:
    """What a mapping is known by."""
    names = ("player", "knob", "device", "channel", "kind", "number")
    return {name: getattr(mapped, name) for name in names}
