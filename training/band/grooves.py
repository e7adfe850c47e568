"""The styles a band can play: the bundled list of grooves of the arranger MMA."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib import resources

import yaml

IDIOM_SHARES: dict[str, float] = {
    "rock": 1.0,
    "pop": 1.2,
    "funk": 0.9,
    "soul": 0.8,
    "ballad": 1.0,
    "dance": 1.0,
    "hiphop": 0.4,
    "reggae": 0.5,
    "blues": 0.7,
    "country": 0.6,
    "latin": 0.7,
    "jazz": 0.6,
}
"""How often each idiom is drawn, relative to the others."""


@dataclass(frozen=True, slots=True)
class Style:
    """One file of the groove library, with what of it the band uses.

    `tempo` is a range in beats a minute; `feel` is 'straight' or 'swing' (eighth notes
    2:1); `fills` are grooves for the last bar of a section and may be empty.
    """

    file: str
    idiom: str
    feel: str
    tempo: tuple[int, int]
    grooves: tuple[str, ...]
    fills: tuple[str, ...]


@lru_cache(maxsize=2)
def load_styles(held_out: bool = False) -> tuple[Style, ...]:
    """Read the bundled list, in file order: what training sets play, or what they never do."""
    text = resources.files("training.band").joinpath("grooves.yaml").read_text(encoding="utf-8")
    return tuple(
        Style(
            file=entry["file"],
            idiom=entry["idiom"],
            feel=entry["feel"],
            tempo=(entry["tempo"][0], entry["tempo"][1]),
            grooves=tuple(entry["grooves"]),
            fills=tuple(entry["fills"]),
        )
        for entry in yaml.safe_load(text)
        if entry.get("held_out", False) == held_out
    )
