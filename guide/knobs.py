"""Every knob, from the parameter table."""

from __future__ import annotations

from companion.control import parameters
from companion.control.parameters import Parameter, Scope
from guide.markdown import code, plain, table

HEAD = ("knob", "values", "default", "MIDI CC", "heard", "what it does")
SWITCHED = {"switch": "on or off", "trigger": "pull it"}


def player_knobs() -> str:
    """Those that each player has."""
    return _knobs("player")


def rig_knobs() -> str:
    """Those that there are once."""
    return _knobs("rig")


def _knobs(scope: Scope) -> str:
    # Looked up now: a row may be added to the table after this was imported.
    return table(HEAD, (_row(knob) for knob in parameters.PARAMETERS if knob.scope == scope))


def _row(knob: Parameter) -> tuple[str, ...]:
    return (
        code(knob.name),
        plain(SWITCHED.get(knob.kind, knob.valid)),
        plain(_default(knob)),
        "" if knob.cc is None else str(knob.cc),
        {"now": "at once", "next bar": "next bar", "next plan": "next plan"}[knob.acts],
        plain(knob.description),
    )


def _default(knob: Parameter) -> str:
    if knob.kind == "trigger":
        return ""
    if isinstance(knob.default, bool):
        return "on" if knob.default else "off"
    unit = f" {knob.unit}" if knob.unit else ""
    return f"{knob.default:g}{unit}" if isinstance(knob.default, float) else str(knob.default)
