"""What a chord is called that somebody has told by its notes."""

from __future__ import annotations

from functools import lru_cache

from pychord import find_chords_from_notes

from companion.listen.chord import Chord

NOTES = ("C", "Db", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")
NONE = "N.C."


@lru_cache(maxsize=256)
def chord_name(chord: Chord | None) -> str:
    """Its name, as if its root were the bass if that will do; its notes where it has none."""
    if chord is None:
        return NONE
    roots = _upwards(chord.pitch_classes | {chord.bass}, chord.bass)
    for root in roots:
        notes = [NOTES[note] for note in _upwards(roots, root)]
        try:
            names = [found.chord for found in find_chords_from_notes(notes)]
        except (ValueError, KeyError, IndexError):
            names = []
        plain = [name for name in names if "/" not in name]
        if plain:
            own = min(plain, key=len).replace("M", "maj")
            return own if root == chord.bass else f"{own}/{NOTES[chord.bass]}"
    return " ".join(NOTES[note] for note in roots)


def _upwards(notes: frozenset[int] | list[int], root: int) -> list[int]:
    return sorted(notes, key=lambda note: (note - root) % 12)
