"""Songs of a band set on disk."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from training.errors import TrainingError


def song_folders(band: Path, split: str) -> list[Path]:
    """Folders of the songs in one split (`train`, `valid`, `test`) of a band set, sorted.

    Raises:
        TrainingError: there are none.
    """
    folders = sorted(path.parent for path in (band / split).glob("*/meta.json"))
    if not folders:
        raise TrainingError(f"no songs in {band / split}; write some: python -m training band")
    return folders


def charted_folders(band: Path, split: str) -> list[Path]:
    """Those of `song_folders` whose chords are known.

    The band plays from charts; of a song that came from a MIDI file nobody knows the chords, and
    none are guessed: what needs them passes it over.

    Raises:
        TrainingError: there are no such songs.
    """
    folders = [folder for folder in song_folders(band, split) if read_chart(folder) is not None]
    if not folders:
        raise TrainingError(
            f"no song in {band / split} has a chord chart; write some: python -m training band"
        )
    return folders


def read_chart(folder: Path) -> list[list[Any]] | None:
    """The `chords` of a song's `meta.json`: bar, beat, root 0..11 (0 = C), quality; or None."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    return meta.get("chords")


@dataclass(frozen=True, slots=True)
class Song:
    """What a training needs to know of one song."""

    folder: Path
    tempo: float
    """Beats a minute."""
    beats_per_bar: int
    bars: int
    stems: dict[str, str]
    """Instrument class by file name."""


def read_song(folder: Path) -> Song:
    """Read a song's `meta.json`."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    stems = {name: stem["instrument"] for name, stem in sorted(meta["stems"].items())}
    return Song(folder, float(meta["tempo"]), meta["beats_per_bar"], meta["bars"], stems)
