"""The plan of one song: key, tempo, sections, chords, grooves."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.band.grooves import IDIOM_SHARES, Style
from training.band.harmony import Chord, chord_of, enrich
from training.band.progressions import TRAINING, Progressions, draw_progression

BEATS_PER_BAR = 4
MAX_BARS = 24


@dataclass(frozen=True, slots=True)
class ChartChord:
    """A chord that starts at `beat` (0 or 2) of `bar` and lasts to the next one."""

    bar: int
    beat: int
    chord: Chord


@dataclass(frozen=True, slots=True)
class Section:
    """A stretch of `bars` bars from `first_bar`, made of a cycle that repeats.

    `fill` is the groove of its last bar, or None; `progression` is the cycle in Roman
    numerals, one a bar, or "a/b" for a bar of two chords.
    """

    letter: str
    first_bar: int
    bars: int
    groove: str
    fill: str | None
    progression: tuple[str, ...]

    @property
    def cycle_bars(self) -> int:
        """Bars after which the chords repeat."""
        return len(self.progression)


@dataclass(frozen=True, slots=True)
class Form:
    """Everything that is decided before a note is written. `tempo` is in beats a minute."""

    style: Style
    tempo: float
    key: int
    minor: bool
    sections: tuple[Section, ...]
    chords: tuple[ChartChord, ...]

    @property
    def bars(self) -> int:
        """Length of the song in bars."""
        return sum(section.bars for section in self.sections)

    def chord_at(self, beat: float) -> Chord:
        """The chord that sounds at an absolute beat."""
        current = self.chords[0].chord
        for entry in self.chords:
            if entry.bar * BEATS_PER_BAR + entry.beat > beat + 1e-6:
                break
            current = entry.chord
        return current


def draw_form(
    rng: random.Random, styles: tuple[Style, ...], progressions: Progressions = TRAINING
) -> Form:
    """Draw a whole plan: A B A in 16 to 24 bars, or two choruses of a twelve-bar blues."""
    style = _draw_style(rng, styles)
    low, high = style.tempo
    tempo = float(rng.randint(low, high))
    if rng.random() < 0.4:
        tempo = round(tempo + rng.uniform(-0.5, 0.5), 1)
    tempo = min(160.0, max(70.0, tempo))
    key = rng.randrange(12)
    minor = rng.random() < (0.2 if style.idiom in ("blues", "country") else 0.42)
    sections = _draw_sections(rng, style, minor, progressions)
    richness = rng.choice((0.0, 0.0, 0.2, 0.4))
    chords = _spell(rng, sections, key, richness)
    return Form(style, tempo, key, minor, sections, chords)


def _draw_style(rng: random.Random, styles: tuple[Style, ...]) -> Style:
    idioms = sorted({style.idiom for style in styles})
    idiom = rng.choices(idioms, [IDIOM_SHARES[name] for name in idioms])[0]
    return rng.choice([style for style in styles if style.idiom == idiom])


def _draw_sections(
    rng: random.Random, style: Style, minor: bool, progressions: Progressions
) -> tuple[Section, ...]:
    first = _split_bars(rng, draw_progression(rng, style.idiom, minor, progressions))
    second = first
    if rng.random() < 0.75:
        second = _split_bars(rng, draw_progression(rng, style.idiom, minor, progressions))
    groove_a = rng.choice(style.grooves)
    groove_b = rng.choice(style.grooves)
    if len(first) == 12:
        plan = [("A", 12, first, groove_a), ("A", 12, first, groove_b)]
    else:
        if len(second) == 12:
            second = first
        short = max(4, len(first))
        length_a = 8 if rng.random() < 0.6 else short
        length_b = 8 if length_a < 8 or rng.random() < 0.6 else max(4, len(second))
        plan = [
            ("A", length_a, first, groove_a),
            ("B", length_b, second, groove_b),
            ("A", length_a, first, groove_a),
        ]
    sections = []
    bar = 0
    for letter, bars, progression, groove in plan:
        fill = rng.choice(style.fills) if style.fills and rng.random() < 0.75 else None
        sections.append(Section(letter, bar, bars, groove, fill, progression))
        bar += bars
    return tuple(sections)


def _split_bars(rng: random.Random, progression: tuple[str, ...]) -> tuple[str, ...]:
    """In 15 % of cycles let one bar hold two chords: its own, then a neighbour of it."""
    if rng.random() >= 0.15:
        return progression
    at = rng.randrange(len(progression))
    own = progression[at]
    other = progression[(at + 1) % len(progression)]
    if other == own:
        other = "V7" if own != "V7" else "IV"
    bars = list(progression)
    bars[at] = f"{own}/{other}"
    return tuple(bars)


def _spell(
    rng: random.Random, sections: tuple[Section, ...], key: int, richness: float
) -> tuple[ChartChord, ...]:
    """Chords of the whole song; a letter sounds the same each time it comes."""
    cycles: dict[tuple[str, ...], list[list[Chord]]] = {}
    chords = []
    for section in sections:
        if section.progression not in cycles:
            cycles[section.progression] = [
                [enrich(rng, chord_of(token, key), richness) for token in bar.split("/")]
                for bar in section.progression
            ]
        cycle = cycles[section.progression]
        for offset in range(section.bars):
            for half, chord in enumerate(cycle[offset % len(cycle)]):
                chords.append(ChartChord(section.first_bar + offset, 2 * half, chord))
    return tuple(chords)
