"""Chords and chord progressions, from Roman numerals to pitch classes."""

from __future__ import annotations

import random
import re
from dataclasses import dataclass

KEY_NAMES = ("C", "Db", "D", "Eb", "E", "F", "Gb", "G", "Ab", "A", "Bb", "B")

# Intervals above the root of every chord quality the charts use, as MMA spells them.
QUALITIES: dict[str, tuple[int, ...]] = {
    "": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "M7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "m7b5": (0, 3, 6, 10),
    "dim7": (0, 3, 6, 9),
    "6": (0, 4, 7, 9),
    "add9": (0, 2, 4, 7),
    "sus4": (0, 5, 7),
    "m9": (0, 2, 3, 7, 10),
    "M9": (0, 2, 4, 7, 11),
    "9": (0, 2, 4, 7, 10),
    "7sus": (0, 5, 7, 10),
}

_DEGREES = {"i": 0, "ii": 2, "iii": 4, "iv": 5, "v": 7, "vi": 9, "vii": 11}
_TOKEN = re.compile(r"([b#]?)([iIvV]+)(ø|M7|7)?$")


@dataclass(frozen=True, slots=True)
class Chord:
    """A root pitch class (0 = C) and a quality that is a key of `QUALITIES`."""

    root: int
    quality: str

    @property
    def name(self) -> str:
        """The chord as MMA reads it."""
        return KEY_NAMES[self.root] + self.quality

    @property
    def pitch_classes(self) -> tuple[int, ...]:
        """Pitch classes 0..11, root first."""
        return tuple((self.root + step) % 12 for step in QUALITIES[self.quality])


def chord_of(token: str, key: int) -> Chord:
    """Read one Roman numeral in the key with tonic pitch class `key`.

    Degrees are those of the major scale; flats are written out, also in minor.
    """
    match = _TOKEN.match(token)
    if match is None:
        raise ValueError(f"not a Roman numeral: {token!r}")
    accidental, numeral, suffix = match.groups()
    shift = {"b": -1, "#": 1, "": 0}[accidental]
    root = (key + _DEGREES[numeral.lower()] + shift) % 12
    minor = numeral.islower()
    quality = {
        "ø": "m7b5",
        "M7": "M7",
        "7": "m7" if minor else "7",
        None: "m" if minor else "",
    }[suffix]
    return Chord(root, quality)


def enrich(rng: random.Random, chord: Chord, chance: float) -> Chord:
    """With probability `chance`, replace the quality by a richer one of the same function."""
    if rng.random() >= chance:
        return chord
    richer = {
        "": ("M7", "6", "add9", "sus4"),
        "m": ("m7", "m9"),
        "7": ("9", "7sus"),
        "M7": ("M9",),
        "m7": ("m9",),
    }.get(chord.quality)
    return Chord(chord.root, rng.choice(richer)) if richer else chord


def scale_of(key: int, minor: bool) -> tuple[int, ...]:
    """Pitch classes of the major or natural minor scale on `key`."""
    steps = (0, 2, 3, 5, 7, 8, 10) if minor else (0, 2, 4, 5, 7, 9, 11)
    return tuple((key + step) % 12 for step in steps)
