"""Songs to measure with: their stems cut on bar lines, their chords bar by bar, their key."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
import soundfile

from model.grid import FRAME_RATE, SAMPLE_RATE
from training.band.harmony import KEY_NAMES
from training.evaluation.fit import Audio
from training.songs import Chart, Song, charted_folders, read_song

STRAIGHT, SWUNG = 4, 3
"""Lines in a beat that onsets are held against: sixteenths, or the triplets of a swung beat."""

BarChords = tuple[tuple[int, int, str], ...]
"""The chords of one bar: beat, root 0..11, quality; the first is at beat 0."""


@dataclass(frozen=True, slots=True)
class BarGrid:
    """Where bars of a constant tempo lie, counted from bar 0 at sample 0 and frame 0.

    Attributes:
        tempo: beats a minute.
        beats_per_bar: at least 1.
    """

    tempo: float
    beats_per_bar: int = 4

    @property
    def bar_s(self) -> float:
        """Length of a bar, seconds."""
        return 60.0 * self.beats_per_bar / self.tempo

    @property
    def bar_frames(self) -> Fraction:
        """Length of a bar, frames."""
        bpm = Fraction(self.tempo).limit_denominator(1000)
        return 60 * FRAME_RATE * self.beats_per_bar / bpm

    def start_frames(self, bar: int) -> Fraction:
        """Where a bar starts, in frames."""
        return bar * self.bar_frames

    def start_samples(self, bar: int) -> int:
        """The sample nearest to where a bar starts, 32 kHz."""
        return round(bar * self.bar_frames * SAMPLE_RATE / FRAME_RATE)


@dataclass(frozen=True, slots=True)
class HeldOutSong:
    """A song and what is known of it.

    Attributes:
        song: tempo, bars and stems.
        chart: its chords.
        key: 0..11 major, 12..23 minor, C first.
        divisions: lines in a beat that its onsets are on.
        digest: of its `meta.json`, so that what was made for another set is not taken for this.
    """

    song: Song
    chart: Chart
    key: int
    divisions: int
    digest: str

    @property
    def name(self) -> str:
        """Name of its folder."""
        return self.song.folder.name

    @property
    def grid(self) -> BarGrid:
        """Its bars."""
        return BarGrid(self.song.tempo, self.song.beats_per_bar)

    def bar_chords(self, bar: int) -> BarChords:
        """The chords of a bar; one that goes on from an earlier bar is at beat 0."""
        before = [entry for entry in self.chart if (entry[0], entry[1]) <= (bar, 0)]
        inside = [entry for entry in self.chart if entry[0] == bar and entry[1] > 0]
        first = [(0, *before[-1][2:])] if before else []
        return (*first, *((beat, root, quality) for _, beat, root, quality in inside))

    def mix(self, stems: Iterable[str], first_bar: int, samples: int, offset: int = 0) -> Audio:
        """The sum of some stems from a bar line on (or `offset` samples after it): [samples].

        What lies before the song or after it is silence.
        """
        first = self.grid.start_samples(first_bar) + offset
        before = max(0, -first)
        whole = np.zeros(samples, np.float32)
        for name in stems:
            sound, _ = soundfile.read(
                self.song.folder / name,
                frames=samples - before,
                start=max(0, first),
                dtype="float32",
                fill_value=0.0,
            )
            whole[before:] += sound
        return whole


def read_held_out(folder: Path) -> HeldOutSong:
    """Read the `meta.json` of one song."""
    text = (folder / "meta.json").read_text(encoding="utf-8")
    meta: dict[str, Any] = json.loads(text)
    song = read_song(folder)
    assert song.chart is not None  # `charted_folders` has no others
    return HeldOutSong(
        song=song,
        chart=song.chart,
        key=KEY_NAMES.index(meta["key"]) + (12 if meta["mode"] == "minor" else 0),
        divisions=SWUNG if meta["feel"] == "swing" else STRAIGHT,
        digest=hashlib.sha256(text.encode()).hexdigest()[:16],
    )


@lru_cache(maxsize=4)
def read_songs(held_out: Path) -> tuple[HeldOutSong, ...]:
    """Every song of a held-out set whose chords are known, by name.

    Raises:
        TrainingError: there is none.
    """
    return tuple(read_held_out(folder) for folder in charted_folders(held_out, "test"))


def find_song(held_out: Path, name: str) -> HeldOutSong:
    """One song of a held-out set by the name of its folder."""
    return next(song for song in read_songs(held_out) if song.name == name)
