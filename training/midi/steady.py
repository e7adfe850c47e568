"""Where a song keeps its tempo in 4/4, and whether that is true of what is played.

A tempo map may lie: a file made from another format, or played freely into a sequencer, has a tempo
that its notes do not follow. Bars cut by such a map would teach the wrong bars.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from training.band.form import BEATS_PER_BAR
from training.midi.sheet import Sheet, Unfit

STEADY = 0.02
"""How far the tempo may be from that of the stretch's start: less than what a rig evens out."""
MIN_S, MAX_S = 60.0, 90.0
"""Length of a piece at the tempo written."""
DIVISIONS = (3, 4, 6)
"""Lines in a beat that notes are held against: triplets, sixteenths, sextuplets."""
ON_GRID = 0.5
"""Least mean cosine of the notes' phase between such lines: 1 on them, 0 anywhere."""
OTHER_METERS = (3, 5, 6, 7)
"""Beats after which music repeats that is not in 4/4."""
EARLY = 0.1
"""A note as many beats before a bar line belongs to it: people play early, too."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Whole bars of 4/4 at one tempo (beats a minute), from the bar line at `first_beat` on."""

    tempo: float
    first_beat: float
    bars: int

    @property
    def bar_s(self) -> float:
        """Length of a bar at the tempo written, seconds."""
        return 60.0 * BEATS_PER_BAR / self.tempo

    @property
    def end_beat(self) -> float:
        """Beat of the bar line at its end."""
        return self.first_beat + self.bars * BEATS_PER_BAR

    @property
    def pieces(self) -> int:
        """Into how many pieces of 60 to 90 s it is cut."""
        return self.bars // math.ceil(MIN_S / self.bar_s)

    @property
    def piece_bars(self) -> int:
        """Bars of a piece; what is left over is played by other variations."""
        return min(int(MAX_S / self.bar_s), self.bars // self.pieces)


def steady_stretch(sheet: Sheet) -> Stretch:
    """The longest stretch of a song that keeps its tempo in 4/4, from the first note in it on.

    Raises:
        Unfit: there is none that is long enough, or the notes do not follow it.
    """
    onsets = _onsets(sheet)
    if not len(onsets):
        raise Unfit("has no notes")
    found = [_trimmed(run, onsets) for run in _runs(sheet)]
    if not found:
        numerator, denominator = sheet.meters[0][1:]
        raise Unfit(f"is in {numerator}/{denominator}, not in 4/4")
    stretch = max(found, key=lambda run: run.bars * run.bar_s)
    if stretch.bars < 1 or stretch.pieces < 1:
        raise Unfit(f"has less than {MIN_S:.0f} s of 4/4 at a steady tempo")
    inside = onsets[(onsets >= stretch.first_beat) & (onsets < stretch.end_beat)]
    if _on_grid(inside) < ON_GRID:
        raise Unfit("does not follow its own tempo")
    if not sheet.meters and not _repeats_in_fours(sheet, stretch):
        raise Unfit("names no meter and repeats in another one than 4/4")
    return stretch


def _onsets(sheet: Sheet) -> NDArray[np.float64]:
    return np.sort([note.beat for voicing in sheet.voicings for note in voicing.notes])


def _runs(sheet: Sheet) -> list[Stretch]:
    """Every stretch of whole bars in which neither meter nor tempo changes."""
    meters = sheet.meters or ((0.0, BEATS_PER_BAR, 4),)
    if meters[0][0] > 0:
        meters = ((0.0, BEATS_PER_BAR, 4), *meters)
    # The last bar is whole, though its last note ends before its bar line.
    end_of_all = sheet.end + BEATS_PER_BAR
    changes = sorted({beat for beat, *_ in (*meters, *sheet.tempos)} | {end_of_all})
    runs: list[tuple[float, float, float, float]] = []  # tempo, bar line, first and last beat
    for start, end in pairwise(changes):
        line, numerator, denominator = [meter for meter in meters if meter[0] <= start][-1]
        tempo = [tempo for beat, tempo in sheet.tempos if beat <= start][-1]
        if (numerator, denominator) != (BEATS_PER_BAR, 4):
            continue
        if runs and runs[-1][3] == start:
            before, before_line = runs[-1][:2]
            same_bars = (line - before_line) % BEATS_PER_BAR in (0.0, float(BEATS_PER_BAR))
            if same_bars and abs(tempo / before - 1) <= STEADY:
                runs[-1] = (*runs[-1][:3], end)
                continue
        runs.append((tempo, line, start, end))
    return [_whole_bars(*run) for run in runs]


def _whole_bars(tempo: float, line: float, start: float, end: float) -> Stretch:
    first = line + math.ceil((start - line) / BEATS_PER_BAR) * BEATS_PER_BAR
    return Stretch(tempo, first, max(0, math.floor((end - first) / BEATS_PER_BAR)))


def _trimmed(run: Stretch, onsets: NDArray[np.float64]) -> Stretch:
    """Without the bars before the first note and after the last one."""
    inside = onsets[(onsets >= run.first_beat - EARLY) & (onsets < run.end_beat - EARLY)]
    if not len(inside):
        return Stretch(run.tempo, run.first_beat, 0)
    first, last = ((inside[[0, -1]] + EARLY - run.first_beat) // BEATS_PER_BAR).astype(int)
    beat = run.first_beat + float(first) * BEATS_PER_BAR
    return Stretch(run.tempo, beat, int(last - first) + 1)


def _on_grid(onsets: NDArray[np.float64]) -> float:
    """How well the notes keep to lines that divide the beat; about 0 where they do not at all."""
    return max(float(np.cos(2 * np.pi * lines * onsets).mean()) for lines in DIVISIONS)


def _repeats_in_fours(sheet: Sheet, stretch: Stretch) -> bool:
    """Whether as many notes come back after one, two or four bars of 4/4 as in any other meter."""
    struck = {
        (round(4 * (note.beat - stretch.first_beat)), voicing.channel, note.pitch)
        for voicing in sheet.voicings
        for note in voicing.notes
        if stretch.first_beat - EARLY <= note.beat < stretch.end_beat
    }
    last = max(line for line, *_ in struck)

    def again(beats: int) -> float:
        early = [note for note in struck if note[0] + 4 * beats <= last]
        found = sum((line + 4 * beats, *note) in struck for line, *note in early)
        return found / max(1, len(early))

    fours = max(again(bars * BEATS_PER_BAR) for bars in (1, 2, 4))
    return fours >= max(again(beats) for beats in OTHER_METERS)
