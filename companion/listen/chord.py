"""Chords by their names: what a musician writes in a chart or sends over OSC.

The names are read by pychord; here are only the spellings that it does not know.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pychord import Chord as NamedChord

from companion.system.errors import CompanionError
from model.request import HARMONY_WIDTH

SPELLINGS = (
    ("♭", "b"),
    ("♯", "#"),
    ("(maj7)", "maj7"),
    ("△", "maj"),
    ("Δ", "maj"),
    ("ø7", "m7b5"),
    ("ø", "m7b5"),
    ("°", "dim"),
    ("min", "m"),
    ("+", "aug"),
)
"""What is written otherwise in charts, in the order in which it is replaced."""
_MINUS = re.compile(r"^([A-G][b#]?)-")
"""C-7 is Cm7; the minus of A7-5 is another."""
NO_CHORD = ("n.c.", "nc", "n.c", "-")
"""How charts say that there is none."""
EXAMPLES = "Am, F#m7b5, G7/B, Csus4, or N.C. for none"


@dataclass(frozen=True, slots=True)
class Chord:
    """The pitch classes of a chord and its bass, 0..11, C first."""

    pitch_classes: frozenset[int]
    bass: int

    def told(self) -> NDArray[np.float32]:
        """As the generator is told it: float32 [24], see `model.request.HARMONY_WIDTH`."""
        told = np.zeros(HARMONY_WIDTH, np.float32)
        told[list(self.pitch_classes)] = 1.0
        told[12 + self.bass] = 1.0
        return told


def read_chord(name: str) -> Chord | None:
    """A chord by its name; None for "no chord".

    Raises:
        CompanionError: there is no such chord.
    """
    text = name.strip()
    if text.lower() in NO_CHORD:
        return None
    for written, meant in SPELLINGS:
        text = text.replace(written, meant)
    text = _MINUS.sub(r"\1m", text[:1].upper() + text[1:])
    try:
        named = NamedChord(text)
        notes = named.components(visible=False)
    except (ValueError, KeyError, IndexError) as error:
        raise CompanionError(f"chord is {name!r}; valid: names such as {EXAMPLES}") from error
    # The lowest component is the bass: of G7/B the B comes first.
    return Chord(frozenset(int(note) % 12 for note in notes), int(notes[0]) % 12)


def chord_of(notes: Iterable[int]) -> Chord | None:
    """The chord of MIDI notes that are held; None where none is."""
    held = sorted(notes)
    return Chord(frozenset(note % 12 for note in held), held[0] % 12) if held else None
