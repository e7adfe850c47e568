"""Write a whole band set in several processes."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

from training.band.fluidsynth import check_library
from training.band.fonts import check_fonts
from training.band.mma import find_mma
from training.band.render import UNFINISHED
from training.band.song import song_folder, write_song
from training.band.workers import write_songs
from training.errors import TrainingError


def build_band(
    out: Path,
    songs: int,
    seed: int,
    workers: int,
    progress: bool = True,
    held_out: bool = False,
) -> None:
    """Write songs 0..songs-1 of a seed under `out`; songs that are there already are kept.

    A song depends on the seed and its index only, not on the number of workers. A held-out set
    has styles, progressions and fonts that no training set has, and is all "test". Raises
    TrainingError if a number is out of range, if MMA, FluidSynth or a sound font is
    missing, if `out` holds songs of another seed or kind, or if it cannot be written.
    """
    for name, value, lowest in (("songs", songs, 1), ("seed", seed, 0), ("workers", workers, 1)):
        if value < lowest:
            raise TrainingError(f"{name} is {value}: must be at least {lowest}")
    find_mma()
    check_library()
    check_fonts(held_out)
    try:
        out.mkdir(parents=True, exist_ok=True)
        missing = _missing_songs(out, songs, seed, held_out)
        write_songs(
            write_song,
            [(out, seed, index, held_out) for index in missing],
            songs - len(missing),
            workers,
            progress,
            training_fonts=not held_out,
        )
        shutil.rmtree(out / UNFINISHED, ignore_errors=True)
    except OSError as error:
        raise TrainingError(f"cannot write to {error.filename or out}: {error.strerror}") from error


def _missing_songs(out: Path, songs: int, seed: int, held_out: bool) -> list[int]:
    """Indices not on disk yet; TrainingError if what is there has another seed or kind."""
    kinds = {False: "a training set", True: "a held-out set"}
    for meta in sorted(out.glob("*/*/meta.json"))[:1]:
        found = json.loads(meta.read_text(encoding="utf-8")).get("held_out", False)
        if found != held_out:
            raise TrainingError(
                f"{out} holds songs of {kinds[found]}: give {kinds[held_out]} a folder of its own"
            )
    missing = []
    for index in range(songs):
        meta = song_folder(out, index, held_out) / "meta.json"
        if not meta.exists():
            missing.append(index)
            continue
        found = json.loads(meta.read_text(encoding="utf-8"))["seed"]
        if found != seed:
            raise TrainingError(f"{out} holds songs of seed {found}: give that seed, not {seed}")
    return missing
