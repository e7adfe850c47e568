"""Parts that the arranger does not write: a lead line and held chords."""

from __future__ import annotations

import random
from dataclasses import dataclass

from training.band.form import BEATS_PER_BAR, Form, Section
from training.band.harmony import scale_of
from training.band.mma import Note

# Onsets of one bar, in beats.
STRAIGHT_RHYTHMS: tuple[tuple[float, ...], ...] = (
    (0, 1, 2, 3),
    (0, 1.5, 2, 3),
    (0, 0.5, 1, 2, 3),
    (0, 1, 1.5, 2, 3, 3.5),
    (0, 2),
    (0, 1.5, 3),
    (0.5, 1, 1.5, 2.5, 3),
    (0, 0.5, 1.5, 2, 3.5),
    (1, 1.5, 2, 3),
    (0, 0.75, 1.5, 2.5, 3),
    (0, 0.75, 1.5, 2, 2.75, 3.5),
    (0, 0.5, 1, 1.5, 2, 2.5, 3, 3.5),
    (0, 2.5, 3),
    (2, 2.5, 3, 3.5),
)
SWING = 2 / 3
"""Where the off-beat eighth falls in a swung beat."""


@dataclass(frozen=True, slots=True)
class _Motif:
    onsets: tuple[float, ...]
    steps: tuple[int, ...]
    legato: float


def write_lead(rng: random.Random, form: Form, low: int, high: int) -> tuple[Note, ...]:
    """A lead line between MIDI pitches `low` and `high`.

    Each letter of the form has its phrase of motifs as long as its cycle (at least two
    bars, at most four); the phrase comes back with the cycle, its last bar varied now and
    then, so that what is heard once helps to foresee what follows. Chord tones on the beat,
    the scale in between. The lead is silent in at most one section.
    """
    phrases: dict[str, list[_Motif | None]] = {}
    rests = rng.random() < 0.25
    notes: list[Note] = []
    for index, section in enumerate(form.sections):
        if section.letter not in phrases:
            phrases[section.letter] = _draw_phrase(rng, section, form.style.feel)
        if rests and index == 1:
            continue
        notes.extend(_play(rng, form, section, phrases[section.letter], low, high))
    return tuple(notes)


def _draw_phrase(rng: random.Random, section: Section, feel: str) -> list[_Motif | None]:
    bars = min(4, max(2, section.cycle_bars))
    motifs = [_draw_motif(rng, feel) for _ in range(2)]
    shape: list[_Motif | None] = [motifs[0], motifs[rng.random() < 0.6]]
    if bars > 2:
        shape += [motifs[0], rng.choice((motifs[1], None, _draw_motif(rng, feel)))]
    return shape[:bars]


def _draw_motif(rng: random.Random, feel: str) -> _Motif:
    rhythm = rng.choice(STRAIGHT_RHYTHMS)
    if feel == "swing":
        rhythm = tuple(sorted({_swung(onset) for onset in rhythm}))
    steps = tuple(rng.choice((-3, -2, -1, -1, 0, 1, 1, 2, 3)) for _ in rhythm)
    return _Motif(rhythm, steps, rng.uniform(0.55, 0.98))


def _swung(onset: float) -> float:
    beat, rest = divmod(onset, 1)
    return beat + (0.0 if rest < 0.25 else SWING)


def _play(
    rng: random.Random,
    form: Form,
    section: Section,
    phrase: list[_Motif | None],
    low: int,
    high: int,
) -> list[Note]:
    scale = scale_of(form.key, form.minor)
    notes: list[Note] = []
    # The line is written once for the cycle and kept, bar by bar.
    written: dict[int, list[Note]] = {}
    span = max(section.cycle_bars, len(phrase))
    pitch = rng.randint(low + 5, high - 5)
    for offset in range(section.bars):
        place = offset % span
        varied = offset == section.bars - 1 and rng.random() < 0.5
        if place not in written or varied:
            motif = phrase[place % len(phrase)]
            if varied and motif is not None:
                motif = _draw_motif(rng, form.style.feel)
            start = (section.first_bar + offset) * BEATS_PER_BAR
            bar = _write_bar(rng, form, start, motif, scale, pitch, low, high)
            if place not in written:
                written[place] = [_moved(note, -start) for note in bar]
        else:
            start = (section.first_bar + offset) * BEATS_PER_BAR
            bar = [_moved(note, start) for note in written[place]]
        if bar:
            pitch = bar[-1].pitch
        notes.extend(bar)
    return notes


def _moved(note: Note, beats: float) -> Note:
    return Note(note.beat + beats, note.beats, note.pitch, note.velocity)


def _write_bar(
    rng: random.Random,
    form: Form,
    start: int,
    motif: _Motif | None,
    scale: tuple[int, ...],
    pitch: int,
    low: int,
    high: int,
) -> list[Note]:
    if motif is None:
        return []
    notes = []
    ends = (*motif.onsets[1:], float(BEATS_PER_BAR))
    for onset, end, step in zip(motif.onsets, ends, motif.steps, strict=True):
        chord = form.chord_at(start + onset)
        strong = onset % 1 == 0 or end - onset >= 1
        allowed = set(chord.pitch_classes)
        if not strong:
            allowed |= set(scale)
        target = pitch + 2 * step
        choices = [p for p in range(low, high + 1) if p % 12 in allowed]
        pitch = min(choices, key=lambda p: (abs(p - target), p))
        accent = 100 if onset % 2 == 0 else 92 if onset % 1 == 0 else 84
        length = max(0.15, (end - onset) * motif.legato)
        notes.append(Note(start + onset, length, pitch, accent + rng.randint(-6, 6)))
    return notes


def write_pad(rng: random.Random, form: Form) -> tuple[Note, ...]:
    """Held chords of three or four voices, each moving as little as it can.

    Struck on every chord, or pulsed in half notes or quarters.
    """
    pulse = rng.choice((None, None, 2.0, 1.0))
    centre = rng.randint(58, 66)
    voices: list[int] = []
    notes: list[Note] = []
    last = form.bars * BEATS_PER_BAR
    starts = [entry.bar * BEATS_PER_BAR + entry.beat for entry in form.chords]
    for entry, start, end in zip(form.chords, starts, [*starts[1:], last], strict=True):
        voices = _lead_voices(entry.chord.pitch_classes[:4], voices, centre)
        length = pulse or float(end - start)
        beat = float(start)
        while beat < end - 1e-6:
            held = min(length, end - beat) * (0.97 if pulse is None else 0.8)
            notes.extend(Note(beat, held, p, 78 + rng.randint(-5, 5)) for p in voices)
            beat += length
    return tuple(notes)


def _lead_voices(classes: tuple[int, ...], before: list[int], centre: int) -> list[int]:
    voices = []
    for index, pitch_class in enumerate(classes):
        aim = before[index] if index < len(before) else centre + 4 * index - 4
        aim = min(max(aim, centre - 9), centre + 12)
        offset = (pitch_class - aim + 6) % 12 - 6
        voices.append(aim + offset)
    return sorted(set(voices))
