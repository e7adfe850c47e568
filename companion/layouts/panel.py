"""What every control surface shows: a panel for the rig and one for each player."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from companion.control.osc_tree import Place, places


@dataclass(frozen=True, slots=True)
class Panel:
    """The knobs of a player or of the rig, and what is told of it."""

    title: str
    knobs: tuple[Place, ...]  # each at the address of its plain value
    news: tuple[Place, ...]
    both: tuple[Place, ...] = ()  # what is told and taken, but no knob


@dataclass(frozen=True, slots=True)
class Wiring:
    """Where a surface sends to, and where it is told."""

    port: int  # at which the companion listens on this machine
    told_at: int  # at which the surface listens


def panels(players: Sequence[str]) -> tuple[Panel, ...]:
    """The panels of a rig with such players, the rig's first."""
    found = places(players)
    return tuple(
        Panel(
            "rig" if player is None else player,
            tuple(p for p in found if p.knob and not p.normalised and p.player == player),
            tuple(p for p in found if p.access == "told" and p.player == player),
            tuple(p for p in found if p.access == "both" and not p.knob and p.player == player),
        )
        for player in (None, *players)
    )


def twin(knob: Place) -> str:
    """The address at which a knob goes from 0 to 1."""
    return f"{knob.address}/normalised"


def short(place: Place) -> str:
    """What a place is called on its panel."""
    parts = place.address.split("/")[2:]
    return " ".join(parts if place.player is None else parts[1:])
