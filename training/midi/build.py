"""Write a set from MIDI files, in several processes."""

from __future__ import annotations

import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from training.band.fluidsynth import check_library
from training.band.fonts import check_fonts
from training.band.render import UNFINISHED
from training.band.workers import write_songs
from training.errors import TrainingError
from training.midi.sheet import Unfit, read_sheet
from training.midi.song import (
    MidiSong,
    choose_song,
    distinct,
    song_folder,
    write_piece,
    written_seed,
)
from training.midi.sources import Source, find_sources


@dataclass(frozen=True, slots=True)
class Survey:
    """What was found: songs to use, and why others are not.

    Attributes:
        minutes: of all files that can be read.
        dropped: names of songs by the reason.
    """

    songs: tuple[MidiSong, ...]
    files: int
    minutes: float
    dropped: dict[str, list[str]]

    @property
    def kept_minutes(self) -> float:
        """Of the stretches that are used."""
        return sum(song.stretch.bars * song.stretch.bar_s for song in self.songs) / 60


def survey(sources: Sequence[Source]) -> Survey:
    """Read every file and choose."""
    songs: list[MidiSong] = []
    dropped: dict[str, list[str]] = {}
    seconds = 0.0
    for source in sources:
        try:
            sheet = read_sheet(source.content)
            seconds += sheet.seconds
            songs.append(choose_song(source.name, sheet))
        except Unfit as reason:
            dropped.setdefault(str(reason), []).append(source.name)
    kept = distinct(songs)
    twice = [song.name for song in songs if song not in kept]
    if twice:
        dropped["plays the notes of another one"] = twice
    return Survey(tuple(kept), len(sources), seconds / 60, dropped)


def build_midi_band(
    paths: Sequence[Path],
    out: Path,
    variations: int,
    seed: int,
    workers: int,
    progress: bool = True,
) -> Survey:
    """Write every piece of every song that can be used, in so many variations.

    A piece depends on the seed and on its song only; pieces that are there already are kept. `out`
    may hold a training set of the synthetic band. Raises TrainingError if a number is out of range,
    if no song can be used, if FluidSynth or a font is missing, if `out` holds a held-out set or
    pieces of another seed, or if it cannot be written.
    """
    for name, value, least in (
        ("variations", variations, 1),
        ("seed", seed, 0),
        ("workers", workers, 1),
    ):
        if value < least:
            raise TrainingError(f"{name} is {value}: must be at least {least}")
    check_library()
    check_fonts()
    found = survey(find_sources(paths))
    if not found.songs:
        raise TrainingError(f"none of {found.files} songs can be used: {_reasons(found)}")
    pieces = [
        (song, variation, piece)
        for song in found.songs
        for variation in range(variations)
        for piece in range(song.stretch.pieces)
    ]
    try:
        out.mkdir(parents=True, exist_ok=True)
        _check_set(out)
        missing = [
            (out, song, seed, variation, piece)
            for song, variation, piece in pieces
            if not _is_written(song_folder(out, song, variation, piece), seed)
        ]
        write_songs(write_piece, missing, len(pieces) - len(missing), workers, progress)
        shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    except OSError as error:
        raise TrainingError(f"cannot write to {error.filename or out}: {error.strerror}") from error
    return found


def _reasons(found: Survey) -> str:
    return "; ".join(f"{len(names)} {reason}" for reason, names in sorted(found.dropped.items()))


def _check_set(out: Path) -> None:
    for meta in sorted(out.glob("*/*/meta.json"))[:1]:
        if json.loads(meta.read_text(encoding="utf-8")).get("held_out", False):
            raise TrainingError(f"{out} holds a held-out set: give songs from MIDI another folder")


def _is_written(target: Path, seed: int) -> bool:
    found = written_seed(target)
    if found not in (None, seed):
        raise TrainingError(f"{target} is of seed {found}: give that seed, not {seed}")
    return found is not None
