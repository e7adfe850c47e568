"""Every OSC address there is, with what it takes and tells: knobs, commands and news.

The knobs are those of the parameter table; what `companion layouts` writes and what OSCQuery
answers is made from here.

*Threading*: unchanging; any thread may call anything.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

from companion.control.osc_turning import NORMALISED, ROOT
from companion.control.parameters import PARAMETERS, Parameter, Value

Access = Literal["told", "taken", "both"]


@dataclass(frozen=True, slots=True)
class Place:
    """One address."""

    address: str
    types: str  # OSC type tags of its arguments; T for true or false
    access: Access  # what is done with it: told to others, taken from them, or both
    description: str
    ranges: tuple[tuple[float, float] | None, ...] = ()  # of each argument; None for any
    choices: tuple[str, ...] = ()  # texts, for one argument that is a choice
    unit: str = ""
    knob: Parameter | None = None  # which knob it turns
    player: str | None = None  # whose it is; None for the rig's
    normalised: bool = False  # whether 0 to 1 is the knob's whole way


def places(players: Sequence[str]) -> tuple[Place, ...]:
    """Every address of a rig with such players."""
    found: list[Place] = []
    for knob in PARAMETERS:
        for player in (None,) if knob.scope == "rig" else players:
            found += _knob_places(knob, player)
    found += _COMMANDS
    found += _RIG_NEWS
    for player in players:
        found += (replace(each, player=player) for each in _player_news(player))
    return tuple(found)


def _knob_places(knob: Parameter, player: str | None) -> list[Place]:
    address = knob.address(player)
    span = (float(knob.minimum), float(knob.maximum))
    if knob.kind == "trigger":
        return [Place(address, "I", "taken", knob.description, (None,), knob=knob, player=player)]
    types = {"number": "f", "whole": "i", "switch": "T", "choice": "s"}[knob.kind]
    ranged = knob.kind in ("number", "whole")
    plain = Place(
        address,
        types,
        "both",
        knob.description,
        (span if ranged else None,),
        knob.choices,
        knob.unit,
        knob,
        player,
    )
    twin = Place(
        f"{address}/{NORMALISED}",
        "f",
        "both",
        f"{knob.description} From 0 to 1, as a fader has it.",
        ((0.0, 1.0),),
        knob=knob,
        player=player,
        normalised=True,
    )
    return [plain, twin]


def _at(below: str) -> str:
    return f"/{ROOT}/{below}"


def _taken(below: str, types: str, description: str) -> Place:
    return Place(_at(below), types, "taken", description, (None,) * len(types))


def _both(below: str, types: str, description: str) -> Place:
    return Place(_at(below), types, "both", description, (None,) * len(types))


_SHARE = (0.0, 1.0)
_FIGURES = (
    ("slack", "f", "Seconds by which the bar's sound was there in time.", None),
    ("staleness", "i", "Which bar of its plan it is, from 0.", None),
    ("isr", "f", "Share of the bars so far that had a stem ready.", _SHARE),
    ("steps", "i", "Decode steps.", None),
    ("fallback", "i", "What it had to do without: 0 nothing, 5 the sound.", (0.0, 5.0)),
)
_COMMANDS = [
    _taken("chord", "s", "Tells the chord from the next plan on; a second value is its bar."),
    _taken("subscribe", "i", "Tells everything from now on, at a port of the sender's machine."),
    _taken("unsubscribe", "i", "Tells no more."),
    _taken("ping", "", "Is answered with pong."),
    _taken("dump", "", "Tells everything once."),
    _both("preset", "s", "The preset of the set that plays; another is switched to on a bar line."),
    _both("learn", "T", "Whether learn mode is on."),
    _taken("learn/choose", "ss", "Chooses the player's knob that the next controller turns."),
    _taken("learn/forget", "ss", "Takes away what turns the player's knob."),
]


def _told(below: str, types: str, description: str, *ranges: tuple[float, float] | None) -> Place:
    return Place(_at(below), types, "told", description, ranges or (None,) * len(types))


def _figures(below: str, whose: str) -> list[Place]:
    return [
        _told(f"{below}/{name}", types, f"{whose}: {what}", span)
        for name, types, what, span in _FIGURES
    ]


_RIG_NEWS = [
    _told("beat", "iif", "Each beat: beat of the bar, bar, beats a minute."),
    _told("beat/phase", "f", "How far in the bar it is.", _SHARE),
    _told("bar", "i", "Each bar line: the bar, from 1."),
    _told("meter/in", "f", "Peak level of the input, 1 is full scale."),
    _told("meter/out", "f", "Peak level of the output, 1 is full scale."),
    *_figures("metrics", "The worst of all players"),
    _told("learn/mapping", "sss", "Player, knob and what turns it."),
    _told("trouble", "isi", "What went wrong: how grave (3 most), what, whether it lasts."),
    _told("error", "s", "Why a message of yours made no sense."),
    _told("pong", "", "The answer to ping."),
]


def _player_news(player: str) -> list[Place]:
    return [
        _told(f"{player}/meter", "f", "Peak level of the player, 1 is full scale."),
        _told(f"{player}/plan", "f", "How much of its next plan is made.", _SHARE),
        _told(f"{player}/metrics/sounding", "s", "What its stem is in this bar."),
        *_figures(f"{player}/metrics", player),
    ]


def value_at(place: Place, value: Value) -> Value:
    """A knob's value as it is told at one of its addresses."""
    assert place.knob is not None
    return place.knob.position(value) if place.normalised else value
