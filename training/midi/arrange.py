"""From a stretch of a sheet to parts that are played: one stem an instrument."""

from __future__ import annotations

import random
from collections.abc import Iterable
from dataclasses import dataclass, replace

from training.band.fluidsynth import CHANNELS, Control
from training.band.fonts import drum_fonts, pitched_fonts
from training.band.form import BEATS_PER_BAR
from training.band.humanise import draw_wander, humanise
from training.band.mma import Note
from training.band.parts import PART_NAMES, Part, bars_sounding, unique_names
from training.band.render import Line, Performance
from training.midi.sheet import Move, Sheet, Voicing
from training.midi.steady import EARLY

MIN_PARTS, MAX_PARTS = 3, 8
MIN_NOTES = 8
MIN_BARS_SOUNDING = 0.25
"""A part that plays in a smaller share of the bars is left out, and so is one of few notes."""
MAX_LINES = CHANNELS - 1
"""Pitched channels that a synthesiser has."""
UNPITCHED = 112
"""Programs from here on, percussion and sound effects, are not transposed."""
RANGE_CONTROLS = frozenset({6, 38, 100, 101})
"""Those that set the range of bends; they mean something in their order only."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Whole bars of a sheet, as they are to be played.

    Attributes:
        first_beat: where they start in the sheet.
        tempo: beats a minute at which they are played.
        transposed: semitones by which pitched parts are moved up.
    """

    sheet: Sheet
    first_beat: float
    bars: int
    tempo: float
    transposed: int = 0


@dataclass(frozen=True, slots=True)
class _Instrument:
    """Channels with one sound; to tell them apart would make one stem the echo of another."""

    program: int
    drums: bool
    voicings: tuple[Voicing, ...]

    @property
    def notes(self) -> list[Note]:
        return [note for voicing in self.voicings for note in voicing.notes]


def arrange(rng: random.Random, piece: Piece) -> tuple[Performance, ...]:
    """Parts and what they play, by names that are unique; those that hardly play are left out.

    Fonts are drawn, and small human errors are added as the synthetic band has them.
    """
    wander = draw_wander(rng, piece.bars)
    parts, instruments = [], _instruments(piece)
    for instrument in instruments:
        pitches = (note.pitch for note in instrument.notes)
        fonts = drum_fonts(pitches) if instrument.drums else pitched_fonts()
        name = "drums" if instrument.drums else PART_NAMES.get(instrument.program // 8, "other")
        notes = tuple(sorted(instrument.notes, key=lambda note: (note.beat, note.pitch)))
        parts.append(Part(name, instrument.program, instrument.drums, rng.choice(fonts), notes))
    performances = []
    for part, instrument in zip(unique_names(parts), instruments, strict=True):
        lines = tuple(
            Line(
                humanise(rng, replace(part, notes=voicing.notes), piece.tempo, wander),
                tuple(_controls(voicing.moves, piece.tempo)),
            )
            for voicing in instrument.voicings
        )
        performances.append(Performance(part, lines))
    return tuple(performances)


def _instruments(piece: Piece) -> list[_Instrument]:
    """Those that play, at most eight: drums, bass, then those that play in most bars."""
    drums: list[Voicing] = []
    pitched: dict[int, list[Voicing]] = {}
    for voicing in (_cut(voicing, piece) for voicing in piece.sheet.voicings):
        (drums if voicing.drums else pitched.setdefault(voicing.program, [])).append(voicing)
    found = [_Instrument(program, False, tuple(v)) for program, v in pitched.items()]
    if drums:
        kit = max(drums, key=lambda voicing: len(voicing.notes))
        notes = sorted((n for v in drums for n in v.notes), key=lambda n: (n.beat, n.pitch))
        found.append(_Instrument(kit.program, True, (replace(kit, notes=tuple(notes)),)))

    def sounding(instrument: _Instrument) -> int:
        return bars_sounding(instrument.notes, piece.bars)

    found = [
        instrument
        for instrument in found
        if len(instrument.notes) >= MIN_NOTES
        and sounding(instrument) >= MIN_BARS_SOUNDING * piece.bars
    ]
    found.sort(key=lambda i: (not i.drums, i.program // 8 != 4, -sounding(i), -len(i.notes)))
    chosen: list[_Instrument] = []
    lines = 0
    for instrument in found:
        needed = 0 if instrument.drums else len(instrument.voicings)
        if len(chosen) < MAX_PARTS and lines + needed <= MAX_LINES:
            chosen.append(instrument)
            lines += needed
    return chosen


def _cut(voicing: Voicing, piece: Piece) -> Voicing:
    """What a voicing plays in the piece, counted from its first bar line, and transposed."""
    end = float(piece.bars * BEATS_PER_BAR)
    up = 0 if voicing.drums or voicing.program >= UNPITCHED else piece.transposed
    notes = []
    for note in voicing.notes:
        beat = note.beat - piece.first_beat
        if -EARLY <= beat < end - EARLY:
            beat = max(0.0, beat)
            pitch = note.pitch + up
            pitch += 12 * ((pitch < 0) - (pitch > 127))
            notes.append(Note(beat, min(note.beats, end - beat), pitch, note.velocity))
    return replace(
        voicing, notes=tuple(notes), moves=tuple(_moves(voicing.moves, piece.first_beat, end))
    )


def _moves(moves: Iterable[Move], first_beat: float, end: float) -> list[Move]:
    """Moves in the piece, and before them how the controllers stand when it begins."""
    standing: dict[int, Move] = {}
    ranges: list[Move] = []
    inside: list[Move] = []
    for move in moves:
        moved = replace(move, beat=move.beat - first_beat)
        if moved.beat >= end:
            continue
        if moved.beat >= 0:
            inside.append(moved)
        elif move.number in RANGE_CONTROLS:
            ranges.append(replace(moved, beat=0.0))
        else:
            standing[move.number] = replace(moved, beat=0.0)
    return ranges + list(standing.values()) + inside


def _controls(moves: Iterable[Move], tempo: float) -> list[Control]:
    return [Control(move.beat * 60.0 / tempo, move.number, move.value) for move in moves]
