"""The chord progressions a band plays: those of a training set, and those it never plays."""

from __future__ import annotations

import random
from dataclasses import dataclass, fields

from training.band.harmony import chord_of


@dataclass(frozen=True, slots=True)
class Progressions:
    """Cycles of bars, by mode and idiom: one Roman numeral a bar, separated by blanks."""

    major: tuple[str, ...]
    minor: tuple[str, ...]
    jazz_major: tuple[str, ...]
    jazz_minor: tuple[str, ...]
    blues_major: tuple[str, ...]
    blues_minor: tuple[str, ...]
    vamps_major: tuple[str, ...]
    vamps_minor: tuple[str, ...]

    def all(self) -> tuple[str, ...]:
        """Every cycle, of every mode and idiom."""
        return tuple(cycle for field in fields(self) for cycle in getattr(self, field.name))


def motion_of(cycle: str) -> tuple[tuple[int, bool], ...]:
    """What a cycle is to the ear, whatever its key, its sevenths and where it begins.

    For each chord whether it is minor and how many semitones (0..11) up the next root is, around
    the cycle; a chord that is held counts once, a bar of two chords ("a/b") as the first of them,
    and of all rotations the least stands for all. "I IV", "I7 I7 IV7 IV7" and "V I" are one.
    """
    chords = []
    for bar in cycle.split():
        chord = chord_of(bar.split("/")[0], 0)
        chords.append((chord.root, chord.quality.startswith("m") or "dim" in chord.quality))
    held = [chord for at, chord in enumerate(chords) if chord != chords[at - 1]] or chords[:1]
    steps = [
        ((held[(at + 1) % len(held)][0] - root) % 12, minor)
        for at, (root, minor) in enumerate(held)
    ]
    for period in range(1, len(steps) + 1):
        if len(steps) % period == 0 and steps == steps[:period] * (len(steps) // period):
            steps = steps[:period]
            break
    return min(tuple(steps[at:] + steps[:at]) for at in range(len(steps)))


# One token a bar.
TRAINING = Progressions(
    major=(
        "I V vi IV",
        "I vi IV V",
        "vi IV I V",
        "I IV vi V",
        "I IV V IV",
        "I iii IV V",
        "I V vi iii IV I IV V",
        "I ii IV V",
        "IV V iii vi",
        "I bVII IV I",
        "I vi ii V",
        "I iii vi IV",
        "IV I V vi",
        "I IV",
        "I bVII",
        "I V",
        "ii IV I V",
        "I IV iv I",
        "I III7 vi IV",
        "I V IV V",
        "I IV I V I IV V I",
        "vi V IV V",
        "I I IV V",
    ),
    minor=(
        "i bVI bIII bVII",
        "i iv i v",
        "i bVII bVI bVII",
        "i bVII bVI V7",
        "i iv bVII bIII",
        "i bVI iv V7",
        "i v bVI bVII",
        "i bVII",
        "i iv",
        "i bVI",
        "i iv V7 i",
        "bVI bVII i i",
        "i i iv iv",
        "i bVII i bVII bVI bVII i i",
        "i bIII bVII iv",
    ),
    jazz_major=(
        "ii7 V7 IM7 VI7",
        "IM7 vi7 ii7 V7",
        "IM7 IM7 ii7 V7",
        "iii7 VI7 ii7 V7",
        "IM7 IVM7 iii7 VI7 ii7 V7 IM7 V7",
        "IM7 bVII7 IM7 VI7",
        "ii7 V7",
        "IM7 IVM7",
    ),
    jazz_minor=(
        "iiø V7 i7 i7",
        "i7 iv7 bVII7 bIIIM7",
        "i7 bVI7 iiø V7",
        "i7 iv7",
        "i7 iv7 bVIM7 V7",
    ),
    blues_major=(
        "I7 IV7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
        "I7 I7 I7 I7 IV7 IV7 I7 I7 V7 IV7 I7 V7",
        "I7 I7 IV7 I7",
        "I7 IV7 I7 V7",
        "I7 IV7",
    ),
    blues_minor=("i7 i7 i7 i7 iv7 iv7 i7 i7 bVI7 V7 i7 i7", "i7 iv7 i7 V7", "i7 iv7"),
    vamps_major=("I7 IV7", "I7 I7 IV7 IV7", "I7 bVII", "ii7 V7", "I7 I7 bVII IV"),
    vamps_minor=("i7 IV7", "i7 i7 iv7 iv7", "i7 bVII", "i7 iv7 i7 V7", "i7 bIII bVII iv7"),
)
# None has the motion of one above, so that no key, rotation or richer chord makes it one of them.
HELD_OUT = Progressions(
    major=(
        "I iii ii IV",
        "I ii vi IV",
        "I vi iii IV",
        "I iii vi V",
        "I II IV I",
        "I bIII IV V",
        "I bVI bVII I",
        "I bIII bVII IV",
        "I bVII bVI V",
        "I vi bVII V",
    ),
    minor=(
        "i v iv bVII",
        "i bVI iv bVII",
        "i bVI bII V",
        "i bIII iv bVI",
        "i bIII bVI V7",
        "i bVII iv bVI",
        "i v bVI iv",
        "i bII bVII i",
    ),
    jazz_major=(
        "IM7 VI7 II7 V7",
        "IM7 iii7 ii7 V7",
        "IM7 IVM7 ii7 V7",
        "IM7 bIIIM7 ii7 V7",
        "IM7 ii7 iii7 VI7 ii7 V7 IM7 VI7",
    ),
    jazz_minor=(
        "i7 bIIIM7 iiø V7",
        "i7 iv7 iiø V7",
        "i7 iv7 bIIIM7 V7",
    ),
    blues_major=(
        "I7 IV7 I7 I7 IV7 IV7 I7 VI7 ii7 V7 I7 V7",
        "I7 I7 I7 I7 IV7 IV7 I7 I7 ii7 V7 I7 I7",
        "I7 bIII7 IV7 I7",
        "I7 bVII7 IV7 V7",
    ),
    blues_minor=("i7 iv7 i7 i7 iv7 iv7 i7 i7 iiø V7 i7 V7", "i7 bVII7 iv7 V7"),
    vamps_major=("I7 bIII7", "I7 bVI7", "I7 I7 bVI7 V7"),
    vamps_minor=("i7 bII7", "i7 bVI7 V7 V7", "i7 i7 bVII7 iv7"),
)


def draw_progression(
    rng: random.Random, idiom: str, minor: bool, progressions: Progressions = TRAINING
) -> tuple[str, ...]:
    """Draw a cycle of bars, one Roman numeral each, that suits the idiom and the mode."""
    pool: tuple[str, ...]
    if idiom == "blues" and rng.random() < 0.8:
        pool = progressions.blues_minor if minor else progressions.blues_major
    elif idiom == "jazz" or (idiom == "latin" and rng.random() < 0.5):
        pool = progressions.jazz_minor if minor else progressions.jazz_major
    elif idiom in ("funk", "hiphop") and rng.random() < 0.6:
        pool = progressions.vamps_minor if minor else progressions.vamps_major
    else:
        pool = progressions.minor if minor else progressions.major
    return tuple(rng.choice(pool).split())
