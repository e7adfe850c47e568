"""Drum patterns of the band's own, for idioms the groove library hardly covers."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.band.form import BEATS_PER_BAR, Form
from training.band.mma import Note

KICK, SNARE, CLAP, RIM = 36, 38, 39, 37
CLOSED, OPEN, RIDE, CRASH = 42, 46, 51, 49
TOMS = (50, 48, 47, 45, 43)
_VELOCITY = {"x": 104, "o": 84, ".": 58}


@dataclass(frozen=True, slots=True)
class Pattern:
    """One bar in sixteenths: a line a drum; x accent, o normal, . ghost, - nothing."""

    idioms: tuple[str, ...]
    lines: tuple[tuple[int, str], ...]


PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        ("dance",),
        ((KICK, "x---x---x---x---"), (CLAP, "----x-------x---"), (OPEN, "--o---o---o---o-")),
    ),
    Pattern(
        ("dance",),
        (
            (KICK, "x---x---x---x---"),
            (SNARE, "----x-------x---"),
            (CLOSED, "o.o.o.o.o.o.o.o."),
            (OPEN, "--o---o---o---o-"),
        ),
    ),
    Pattern(
        ("dance",),
        ((KICK, "x---x---x---x--o"), (CLAP, "----x-------x---"), (CLOSED, "--oo--oo--oo--oo")),
    ),
    Pattern(
        ("rock", "pop"),
        ((KICK, "x-------x-------"), (SNARE, "----x-------x---"), (CLOSED, "x-o-x-o-x-o-x-o-")),
    ),
    Pattern(
        ("rock", "pop", "soul"),
        ((KICK, "x-----o-x-------"), (SNARE, "----x-------x---"), (CLOSED, "x-o-x-o-x-o-x-o-")),
    ),
    Pattern(
        ("rock",),
        ((KICK, "x-o-----x-o---o-"), (SNARE, "----x-------x---"), (RIDE, "x---x---x---x---")),
    ),
    Pattern(
        ("rock", "pop"),
        ((KICK, "x-----x---x-----"), (SNARE, "----x-------x---"), (CLOSED, "x-o-x-o-x-o-x-o-")),
    ),
    Pattern(
        ("soul",),
        ((KICK, "x-o---o-x-o---o-"), (SNARE, "x---x---x---x---"), (CLOSED, "o-o-o-o-o-o-o-o-")),
    ),
    Pattern(
        ("funk", "soul"),
        ((KICK, "x-o---o---x--o--"), (SNARE, "----x--.-.--x--."), (CLOSED, "x.o.x.o.x.o.x.o.")),
    ),
    Pattern(
        ("funk",),
        ((KICK, "x--o--o---o-----"), (SNARE, "----x--.-.-.x---"), (CLOSED, "o-o-o-o-o-o-o---")),
    ),
    Pattern(
        ("hiphop", "funk"),
        ((KICK, "x------x--x-----"), (SNARE, "----x-------x---"), (CLOSED, "x-o-x-o-x-o-x-oo")),
    ),
    Pattern(
        ("hiphop",),
        ((KICK, "x--x------x--x--"), (SNARE, "----x-------x---"), (CLOSED, "o-o-o-o-o-o-o.o.")),
    ),
    Pattern(
        ("ballad",),
        ((KICK, "x---------x-----"), (RIM, "----o-------o---"), (CLOSED, "o-.-o-.-o-.-o-.-")),
    ),
    Pattern(
        ("ballad", "pop"),
        ((KICK, "x-------x-o-----"), (SNARE, "----x-------x---"), (RIDE, "o-o-o-o-o-o-o-o-")),
    ),
    Pattern(
        ("reggae",),
        ((KICK, "--------x-------"), (RIM, "--------x-------"), (CLOSED, "o-x-o-x-o-x-o-x-")),
    ),
    Pattern(
        ("reggae",),
        ((KICK, "x---x---x---x---"), (RIM, "--------x-----o-"), (CLOSED, "o-x-o-x-o-x-o-xx")),
    ),
    Pattern(
        ("latin",),
        ((KICK, "x-----oox-----oo"), (RIM, "x--x--x---x--x--"), (CLOSED, "o.o.o.o.o.o.o.o.")),
    ),
)


def draw_pattern(
    rng: random.Random, form: Form, patterns: tuple[Pattern, ...] = PATTERNS
) -> Pattern | None:
    """A pattern instead of the groove's own drums, or None to keep those.

    Only in straight feel; nearly always for dance, whose library is thin.
    """
    chance = {"dance": 0.8, "hiphop": 0.6, "reggae": 0.5}.get(form.style.idiom, 0.35)
    pool = [pattern for pattern in patterns if form.style.idiom in pattern.idioms]
    if form.style.feel != "straight" or not pool or rng.random() >= chance:
        return None
    return rng.choice(pool)


def play_pattern(rng: random.Random, form: Form, pattern: Pattern) -> tuple[Note, ...]:
    """The pattern in every bar, a crash where a section starts, a fill where one ends."""
    starts = {section.first_bar for section in form.sections}
    notes: list[Note] = []
    crashes = rng.random() < 0.6
    for bar in range(form.bars):
        start = bar * BEATS_PER_BAR
        for drum, line in pattern.lines:
            for step, mark in enumerate(line):
                if mark != "-":
                    notes.append(Note(start + step / 4, 0.2, drum, _VELOCITY[mark]))
        if crashes and bar in starts:
            notes.append(Note(float(start), 0.5, CRASH, 100))
    return tuple(notes)


def add_fills(
    rng: random.Random, form: Form, notes: tuple[Note, ...], every: bool
) -> tuple[Note, ...]:
    """Replace the end of most sections by a fill.

    Sections that have a fill of the groove's own are left alone unless `every`.
    """
    kept = list(notes)
    grid = 3 if form.style.feel == "swing" else 4
    for section in form.sections:
        end = (section.first_bar + section.bars) * BEATS_PER_BAR
        if (section.fill and not every) or rng.random() >= 0.7:
            continue
        beats = rng.choice((1, 2, 2))
        begin = end - beats
        kept = [note for note in kept if not begin <= note.beat < end]
        hits = beats * grid
        voices = rng.choice(((SNARE,), (SNARE, *TOMS[1::2]), TOMS))
        for hit in range(hits):
            if grid == 4 and hit % 2 == 1 and rng.random() < 0.3:
                continue
            drum = voices[hit * len(voices) // hits]
            kept.append(Note(begin + hit / grid, 0.2, drum, 80 + 28 * hit // hits))
        kept.append(Note(float(begin), 0.2, KICK, 96))
    return tuple(sorted(kept, key=lambda note: (note.beat, note.pitch)))
