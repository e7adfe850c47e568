"""The beats of a stretch of a recording, from the MIDI file that it was made from."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from model.grid import FRAME_RATE
from training.band.form import BEATS_PER_BAR
from training.midi.sheet import Sheet, Unfit, read_sheet
from training.midi.steady import Stretch, steady_stretch

MIDI_BYTES = 10_000_000
"""A larger MIDI file is none."""

Clock = tuple[float, float]
"""Beats a minute in 4/4, and the frames from a bar line to the first frame."""


def clock_of(midi: Path | None, first_s: float, last_s: float) -> Clock | None:
    """The clock of a stretch; None where nobody knows it.

    It is known where the file keeps one tempo in 4/4, and its notes keep to it, throughout.
    """
    kept = None if midi is None else _kept(midi)
    if kept is None:
        return None
    sheet, steady = kept
    starts = _tempos(sheet)
    start_s, beat, tempo = [row for row in starts if row[0] <= first_s][-1]
    if any(first_s < other_s < last_s for other_s, *_ in starts):
        return None
    first = beat + (first_s - start_s) * tempo / 60
    last = beat + (last_s - start_s) * tempo / 60
    # The last note ends in the stretch's last bar; what follows it is its tail.
    if first < steady.first_beat or last > steady.end_beat + BEATS_PER_BAR:
        return None
    lead_beats = (first - steady.first_beat) % BEATS_PER_BAR
    return tempo, lead_beats * 60 / tempo * FRAME_RATE


@lru_cache(1)
def _kept(midi: Path) -> tuple[Sheet, Stretch] | None:
    """The notes, and where they keep their tempo; None where they do not, or cannot be read."""
    try:
        if midi.stat().st_size > MIDI_BYTES:
            return None
        sheet = read_sheet(midi.read_bytes())
        return sheet, steady_stretch(sheet)
    except (OSError, Unfit):
        return None


def _tempos(sheet: Sheet) -> list[tuple[float, float, float]]:
    """Of each tempo: from which second and beat on, beats a minute."""
    rows = [(0.0, *sheet.tempos[0])]
    for beat, tempo in sheet.tempos[1:]:
        start_s, before, was = rows[-1]
        rows.append((start_s + (beat - before) * 60 / was, beat, tempo))
    return rows
