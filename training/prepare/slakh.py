"""Slakh2100, the original layout and the redux, and its small sister without splits.

train/Track00001/all_src.mid
                 metadata.yaml   stems: {S00: {program_num: 33, is_drum: false, ...}, ...}
                 mix.flac
                 stems/S00.flac, S01.flac, ...
validation/, test/, and in the redux omitted/: songs that were in two splits
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml

from model.instruments import INSTRUMENTS, instrument_of_program
from training.prepare.tracks import Found, Layout, Stem, Track, folders_in, split_of

SPLITS = {"train": "train", "validation": "valid"}
LEFT_OUT = {"test": "its test split is kept to measure with", "omitted": "omitted by the redux"}
ENDINGS = (".flac", ".wav")
META_BYTES = 1_000_000
"""A larger `metadata.yaml` is none."""


def _fits(folder: Path) -> bool:
    return any(True for _ in _metadata(folder))


def _metadata(folder: Path) -> list[Path]:
    songs = [song for part in (*SPLITS, *LEFT_OUT) for song in folders_in(folder / part)]
    return [s / "metadata.yaml" for s in songs or folders_in(folder) if _is_song(s)]


def _is_song(folder: Path) -> bool:
    return (folder / "metadata.yaml").is_file() and (folder / "stems").is_dir()


def _read(folder: Path) -> Found:
    found = Found()
    songs = [path.parent for path in _metadata(folder)]
    for number, song in enumerate(songs):
        part = song.parent.name if song.parent != folder else split_of(number, len(songs))
        if part in LEFT_OUT:
            found.leave_out(LEFT_OUT[part], song.name)
            continue
        stems = _stems(song, found)
        if stems is not None:
            midi = song / "all_src.mid"
            split = SPLITS.get(part, part)
            found.add(Track(song.name, split, stems, midi if midi.is_file() else None))
    return found


def _stems(song: Path, found: Found) -> tuple[Stem, ...] | None:
    path = song / "metadata.yaml"
    try:
        if path.stat().st_size > META_BYTES:
            raise ValueError("too large")
        told: dict[str, dict[str, Any]] = yaml.safe_load(path.read_text(encoding="utf-8"))["stems"]
        rows = [
            (name, int(stem["program_num"]), bool(stem["is_drum"]), str(stem["plugin_name"]))
            for name, stem in sorted(told.items())
        ]
    except (OSError, yaml.YAMLError, ValueError, LookupError, TypeError, AttributeError):
        found.leave_out("metadata.yaml tells no stems", song.name)
        return None
    stems = []
    for name, program, drums, plugin in rows:
        files = [song / "stems" / f"{name}{ending}" for ending in ENDINGS]
        there = [file for file in files if file.is_file()]
        if not there:  # `audio_rendered: false`: no plug-in played it
            found.leave_out("stems that were not rendered", f"{song.name}/{name}")
            continue
        instrument = INSTRUMENTS[instrument_of_program(program, drums)]
        stems.append(Stem(name, instrument, (there[0],), (program, plugin)))
    return tuple(stems)


SLAKH = Layout(
    name="Slakh2100",
    tree="train/Track00001/metadata.yaml and train/Track00001/stems/S00.flac",
    licence="CC-BY-4.0, as the authors of Slakh2100 state it (Manilow, Wichern, Seetharaman and "
    "Le Roux, 2019)",
    fits=_fits,
    read=_read,
)
