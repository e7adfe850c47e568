"""From the arranger's tracks to the parts of a band, each with its sound."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from model.instruments import INSTRUMENTS, instrument_of_program
from training.band.drums import PATTERNS, Pattern, add_fills, draw_pattern, play_pattern
from training.band.fonts import drum_fonts, pitched_fonts
from training.band.form import BEATS_PER_BAR, Form
from training.band.melody import write_lead, write_pad
from training.band.mma import Note, Track

MAX_ACCOMPANIMENT = 4
MIN_BARS_SOUNDING = 0.4
"""A part that plays in a smaller share of the bars is left out."""

# Programs that may stand in for one another, by the family (program // 8) of the original.
PROGRAMS: dict[int, tuple[int, ...]] = {
    0: (0, 0, 1, 2, 4, 4, 5, 7),
    1: (11, 11, 12, 13),
    2: (16, 16, 17, 18, 19),
    3: (24, 25, 25, 26, 27, 27, 28, 29, 30),
    4: (32, 33, 33, 34, 34, 35, 36, 38, 39),
    5: (40, 42, 44, 45),
    6: (48, 48, 49, 50, 51, 52),
    7: (56, 57, 61, 61, 62),
    8: (65, 66, 66, 67),
    9: (73, 73, 75),
    10: (80, 81, 82),
    11: (88, 89, 90, 91, 94, 95),
    13: (104, 105, 107),
}
PART_NAMES: dict[int, str] = {
    0: "keys",
    1: "mallets",
    2: "organ",
    3: "guitar",
    4: "bass",
    5: "strings",
    6: "strings",
    7: "horns",
    8: "horns",
    9: "winds",
    10: "synth",
    11: "pad",
    12: "effects",
    13: "ethnic",
    14: "percussion",
}
SYNTH_BASSES = (38, 39)
ELECTRIC_BASSES = (33, 33, 34, 34, 35, 36)
UPRIGHT_BASS = 32
KITS = (0, 0, 0, 8, 16, 24, 25)
JAZZ_KITS = (0, 32, 32, 40)
LEAD_PROGRAMS = (
    *(26, 27, 27, 29, 29, 30),
    *(56, 57, 59, 61),
    *(64, 65, 65, 66, 66, 71, 22),
    *(73, 73, 75),
    *(80, 81, 81, 82),
    *(40, 40, 41, 42),
    *(11, 4, 0, 16, 18),
)
PAD_PROGRAMS = (48, 48, 49, 50, 51, 52, 88, 89, 90, 91, 94, 95, 16, 18, 4, 0, 61)


@dataclass(frozen=True, slots=True)
class Part:
    """One player: its part name, General MIDI program (drums: kit), font and notes.

    `font` is a key of `FONTS` or `HELD_OUT_FONTS`; a pitched part uses one program throughout.
    """

    name: str
    program: int
    drums: bool
    font: str
    notes: tuple[Note, ...]

    @property
    def family(self) -> int:
        """Family of the program: 0..15, -1 for drums."""
        return -1 if self.drums else self.program // 8

    @property
    def instrument(self) -> str:
        """Name of the instrument class."""
        return INSTRUMENTS[instrument_of_program(self.program, self.drums)]


def make_parts(
    rng: random.Random, form: Form, tracks: tuple[Track, ...], held_out: bool = False
) -> tuple[Part, ...]:
    """Drums, bass, accompaniment and lead; names are unique within the song.

    In a held-out set the fonts are those a training set never has, and the drums always the
    groove's own.
    """
    fonts = pitched_fonts(held_out)
    patterns = () if held_out else PATTERNS
    pattern = draw_pattern(rng, form, patterns)
    parts = [_drums(rng, form, [track for track in tracks if track.drums], pattern, held_out)]
    pitched = [track for track in tracks if not track.drums]
    bass_tracks = _bass_tracks(pitched)
    parts.append(_bass(rng, form, bass_tracks, fonts))
    others = [track for track in pitched if track not in bass_tracks and track.program < 108]
    parts.extend(_accompaniment(rng, form, others, fonts))
    parts.append(_lead(rng, form, fonts))
    bars = form.bars
    return unique_names(
        [part for part in parts if bars_sounding(part.notes, bars) / bars >= MIN_BARS_SOUNDING]
    )


def _bass_tracks(tracks: list[Track]) -> list[Track]:
    """Tracks on a bass program; if there are none, those the groove calls a bass."""
    found = [track for track in tracks if track.program // 8 == 4]
    return found or [t for t in tracks if t.name.lower().startswith(("bass", "walk"))]


def _drums(
    rng: random.Random,
    form: Form,
    tracks: list[Track],
    pattern: Pattern | None,
    held_out: bool,
) -> Part:
    if pattern is None:
        notes = tuple(note for track in tracks for note in track.notes)
    else:
        notes = play_pattern(rng, form, pattern)
    notes = add_fills(rng, form, notes, every=pattern is not None)
    kits = JAZZ_KITS if form.style.idiom == "jazz" else KITS
    fonts = drum_fonts((note.pitch for note in notes), held_out)
    return Part("drums", rng.choice(kits), True, rng.choice(fonts), notes)


def _bass(rng: random.Random, form: Form, tracks: list[Track], fonts: list[str]) -> Part:
    notes = [note for track in tracks for note in track.notes]
    notes.sort(key=lambda note: (note.beat, note.pitch))
    if notes:
        middle = sorted(note.pitch for note in notes)[len(notes) // 2]
        drop = 12 * max(0, (middle - 40) // 12)
        notes = [replace(note, pitch=max(24, note.pitch - drop)) for note in notes]
    pool: tuple[int, ...] = ELECTRIC_BASSES
    if form.style.idiom in ("dance", "hiphop"):
        pool = SYNTH_BASSES * 3 + ELECTRIC_BASSES
    elif form.style.idiom in ("jazz", "latin", "country", "blues"):
        pool = (UPRIGHT_BASS,) * 4 + ELECTRIC_BASSES
    return Part("bass", rng.choice(pool), False, rng.choice(fonts), tuple(notes))


def _accompaniment(
    rng: random.Random, form: Form, tracks: list[Track], fonts: list[str]
) -> list[Part]:
    """At most four parts, those that play in most bars first; one is written if few."""
    ranked = sorted(tracks, key=lambda track: (-bars_sounding(track.notes, form.bars), track.name))
    parts: list[Part] = []
    for track in ranked[:MAX_ACCOMPANIMENT]:
        family = track.program // 8
        # A bar of notes that other tracks double is better heard on another instrument.
        if sum(part.family == family for part in parts) and rng.random() < 0.5:
            family = rng.choice((0, 2, 3, 3, 6, 7, 11))
        pool = PROGRAMS.get(family, (track.program,))
        keep = family == track.program // 8 and rng.random() < 0.5
        program = track.program if keep else rng.choice(pool)
        notes = _within(track.notes, family)
        parts.append(
            Part(PART_NAMES.get(family, "other"), program, False, rng.choice(fonts), notes)
        )
    chance = 0.9 if len(parts) < 2 else 0.35
    if len(parts) < MAX_ACCOMPANIMENT and rng.random() < chance:
        program = rng.choice(PAD_PROGRAMS)
        name = PART_NAMES[program // 8]
        parts.append(Part(name, program, False, rng.choice(fonts), write_pad(rng, form)))
    return parts


def _within(notes: tuple[Note, ...], family: int) -> tuple[Note, ...]:
    """Guitars below their lowest string sound like nothing: move such notes up an octave."""
    if family != 3:
        return notes
    return tuple(replace(n, pitch=n.pitch + 12) if n.pitch < 40 else n for n in notes)


def _lead(rng: random.Random, form: Form, fonts: list[str]) -> Part:
    program = rng.choice(LEAD_PROGRAMS)
    low, high = 60, 84
    if program in (42, 57, 66):
        low, high = 48, 72
    elif program // 8 == 3:
        low, high = 55, 81
    notes = write_lead(rng, form, low, high)
    return Part("lead", program, False, rng.choice(fonts), notes)


def bars_sounding(notes: Iterable[Note], bars: int) -> int:
    """How many of the `bars` of a song have a note in them, struck or held."""
    found: set[int] = set()
    for note in notes:
        first = int(note.beat // BEATS_PER_BAR)
        last = int((note.beat + note.beats - 0.1) // BEATS_PER_BAR)
        found.update(range(first, max(first, last) + 1))
    return len([bar for bar in found if bar < bars])


def unique_names(parts: list[Part]) -> tuple[Part, ...]:
    """Number parts that share a name: guitar, guitar2, ..."""
    seen: dict[str, int] = {}
    unique = []
    for part in parts:
        seen[part.name] = seen.get(part.name, 0) + 1
        number = seen[part.name]
        unique.append(part if number == 1 else replace(part, name=f"{part.name}{number}"))
    return tuple(unique)
