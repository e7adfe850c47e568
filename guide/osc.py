"""Every OSC address, from the tree that OSCQuery and the control surfaces are made from."""

from __future__ import annotations

from collections.abc import Iterable

from companion.control.osc_tree import Place, places
from guide.markdown import code, plain, table

PLAYER = "PLAYER"
"""Stands for any player's name."""
TYPES = {"f": "a number", "i": "a whole number", "s": "text", "T": "1 or 0", "I": "nothing"}


def osc_knobs() -> str:
    """Addresses that turn knobs; each but a trigger has a twin from 0 to 1, which is left out."""
    head = ("address", "takes", "values", "what it does")
    found = (each for each in places([PLAYER]) if each.knob is not None and not each.normalised)
    return table(
        head,
        ((code(e.address), _types(e), _values(e), plain(e.description)) for e in found),
    )


def osc_commands() -> str:
    """Addresses that are obeyed and turn no knob."""
    return _told_or_taken("takes", (e for e in _others() if e.access != "told"))


def osc_news() -> str:
    """Addresses that the companion tells."""
    return _told_or_taken("arguments", (e for e in _others() if e.access == "told"))


def _others() -> Iterable[Place]:
    return (each for each in places([PLAYER]) if each.knob is None)


def _told_or_taken(title: str, found: Iterable[Place]) -> str:
    head = ("address", title, "what it means")
    rows = (
        (code(e.address), _types(e), plain(e.description.removeprefix(f"{PLAYER}: ")))
        for e in found
    )
    return table(head, rows)


def _types(place: Place) -> str:
    return ", ".join(TYPES[each] for each in place.types) or "nothing"


def _values(place: Place) -> str:
    if place.choices:
        return plain(", ".join(place.choices))
    if not place.ranges or place.ranges[0] is None:
        return ""
    low, high = place.ranges[0]
    unit = f" {place.unit}" if place.unit else ""
    return plain(f"{low:g} to {high:g}{unit}")
