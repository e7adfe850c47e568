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
    folders = [f for f in song_folders(band, split) if read_song(f).chart is not None]
    if not folders:
        raise TrainingError(
            f"no song in {band / split} has a chord chart; write some: python -m training band"
        )
    return folders


Chart = tuple[tuple[int, int, int, str], ...]
"""Chords in order: bar, beat, root 0..11 (0 = C), quality as `training.band.harmony` names it."""
Sound = tuple[int, str]
"""What plays a stem: the program (of drums the kit), and the name of the sound font."""


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
    sounds: tuple[Sound, ...]
    """Of each stem, in that order."""
    chart: Chart | None
    """None where nobody knows the chords."""


def read_song(folder: Path) -> Song:
    """Read a song's `meta.json`."""
    meta: dict[str, Any] = json.loads((folder / "meta.json").read_text(encoding="utf-8"))
    stems = sorted(meta["stems"].items())
    chart = meta.get("chords")
    return Song(
        folder=folder,
        tempo=float(meta["tempo"]),
        beats_per_bar=meta["beats_per_bar"],
        bars=meta["bars"],
        stems={name: stem["instrument"] for name, stem in stems},
        sounds=tuple((stem["program"], stem["font"]) for _, stem in stems),
        chart=None if chart is None else tuple((b, n, r, q) for b, n, r, q in chart),
    )
