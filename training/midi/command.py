"""The command `python -m training midi-band`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.midi.build import Survey, build_midi_band
from training.songs import read_song


def midi_band(
    paths: Annotated[
        list[Path], typer.Argument(help="Folders or files with music: .mid, .midi, .wad.")
    ],
    out: Annotated[Path, typer.Option(help="Folder of the set; may hold a band set.")] = Path(
        "data/band"
    ),
    variations: Annotated[
        int, typer.Option(help="How often each song is played: fonts, key and tempo differ.")
    ] = 4,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes; left out: as many as there are cores.")
    ] = None,
) -> None:
    """Write a multitrack set from MIDI files. Run it again to go on where it stopped."""
    processes = os.cpu_count() or 1 if workers is None else workers
    found = build_midi_band(paths, out, variations, seed, processes)
    print = Console(soft_wrap=True, highlight=False).print
    for line in summary(found, out):
        print(line)


def summary(found: Survey, out: Path) -> list[str]:
    """What was kept, what was dropped and why, and what there is of the songs in each split."""
    kept = f"kept {len(found.songs)} of {found.files} songs, {found.kept_minutes:.0f}"
    lines = [f"{kept} of {found.minutes:.0f} minutes"]
    for reason, names in sorted(found.dropped.items(), key=lambda entry: -len(entry[1])):
        lines.append(f"dropped {len(names)}, each of which {reason}: {', '.join(names)}")
    for split in ("train", "valid", "test"):
        songs = [song for song in found.songs if song.split == split]
        folders = [
            folder
            for song in songs
            for folder in sorted((out / split).glob(f"{song.name}-{song.digest[:6]}-*"))
        ]
        hours = sum(_seconds(folder) for folder in folders) / 3600
        lines.append(f"{split}: {len(songs)} songs, {len(folders)} pieces, {hours:.2f} hours")
    return lines


def _seconds(folder: Path) -> float:
    song = read_song(folder)
    return song.bars * song.beats_per_bar * 60.0 / song.tempo
