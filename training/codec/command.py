"""The commands `python -m training codec`, `codec-decoder` and `codec-report`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Annotated

import numpy as np
import typer
from rich.console import Console
from rich.progress import track
from rich.table import Table

from model.checkpoint import CODEC_FILE
from training.codec.decoder import train_decoder
from training.codec.kits import write_loops
from training.codec.pictures import draw
from training.codec.report import (
    Measured,
    as_json,
    fad_floors,
    held_out_stems,
    measure_job,
    notes_by_instrument,
    recordings_in,
    sounds_of,
    summed_up,
)
from training.codec.train import train_codec
from training.evaluation.generation import each
from training.songs import song_folders

PICTURED = ("organ", "bass", "drums")
"""Instruments that `codec-report` draws a stem of."""


def codec(
    band: Annotated[Path, typer.Option(help="Band set to train on.")] = Path("data/band"),
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and weights.")] = Path(
        "runs/codec"
    ),
    music: Annotated[
        list[Path] | None, typer.Option(help="Folder of other recordings; may be repeated.")
    ] = None,
    start: Annotated[
        Path | None, typer.Option(help="Codec weights to go on from; left out: afresh.")
    ] = None,
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 100_000,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
) -> None:
    """Train the codec. Ctrl-C stops it; run it again to go on where it stopped."""
    weights = train_codec(
        band, out, music or [], steps, start, seed=seed, device=device, threads=threads
    )
    Console().print(f"weights: {weights}")


def kit_loops(
    kits: Annotated[list[Path], typer.Argument(help="Folders with the hits of a drum kit.")],
    out: Annotated[Path, typer.Option(help="Folder for the loops.")] = Path("data/kits"),
    loops: Annotated[int, typer.Option(help="Loops of 6 s for each kit.", min=1)] = 150,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.", min=0)] = 1,
) -> None:
    """Play loops with recorded drum kits, as music for the codec to learn from."""
    for path in write_loops(kits, out, loops, seed):
        Console(soft_wrap=True, highlight=False).print(f"loops: {path}")


def codec_decoder(
    band: Annotated[Path, typer.Option(help="Band set to train on.")] = Path("data/band"),
    out: Annotated[Path, typer.Option(help="Folder for checkpoints, logs and weights.")] = Path(
        "runs/codec-decoder"
    ),
    start: Annotated[Path, typer.Option(help="Codec weights to go on from.")] = CODEC_FILE,
    music: Annotated[
        list[Path] | None, typer.Option(help="Folder of other recordings; may be repeated.")
    ] = None,
    adversarial: Annotated[
        bool, typer.Option("--adversarial", help="Train against discriminators as well.")
    ] = False,
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
) -> None:
    """Train the decoder of a codec on; its tokens stay what they are."""
    weights = train_decoder(
        start,
        band,
        out,
        music or [],
        steps,
        adversarial,
        seed=seed,
        device=device,
        threads=threads,
    )
    Console().print(f"weights: {weights}")


def codec_report(
    band: Annotated[Path, typer.Option(help="Band set whose test songs are measured.")] = Path(
        "data/band"
    ),
    recordings: Annotated[
        list[Path] | None, typer.Option(help="Folder of recordings to measure as well.")
    ] = None,
    weights: Annotated[
        list[Path] | None,
        typer.Option(help="Codec weights; may be repeated. Left out: the bundled ones."),
    ] = None,
    songs: Annotated[int, typer.Option(help="Test songs to take stems from.", min=1)] = 40,
    json_file: Annotated[
        Path | None, typer.Option("--json", help="File for the figures of every piece.")
    ] = None,
    pictures: Annotated[
        Path | None, typer.Option(help="Folder for spectrograms of an organ, a bass, drums.")
    ] = None,
    workers: Annotated[int, typer.Option(help="Processes.", min=1)] = 1,
) -> None:
    """Compare what the codec keeps of a sound with what Opus keeps of it.

    Log-mel distance, level, early: lower is better. Notes and onsets: the share kept, 1 at best.
    Listener: 1 to 5. FAD against the originals in two embeddings, from 1,000 vectors on. Roughness
    should stay what it was: less of it is noise that came back smooth.
    """
    groups = {"held-out stems": held_out_stems(song_folders(band, "test")[:songs])}
    groups |= {folder.name: recordings_in(folder) for folder in recordings or []}
    codecs = weights or [CODEC_FILE]
    console, figures = Console(width=140), {}
    if pictures is not None:
        for instrument in PICTURED:
            of_it = [p for p in groups["held-out stems"] if p.instrument == instrument]
            if of_it:  # the one that is held longest tells most
                piece = max(of_it, key=lambda each: float(np.median(np.abs(each.audio))))
                path = pictures / f"{instrument.replace(' ', '-')}.png"
                draw(piece.name, sounds_of(codecs, piece), path)
    for name, pieces in groups.items():
        jobs = [(codecs, piece) for piece in pieces]
        measured = list(track(each(measure_job, jobs, workers), name, len(jobs)))
        figures[name] = as_json(measured)
        console.print(_table(f"{name}, {len(measured)}", measured))
        by_instrument = Table("notes kept", *measured[0].kept)
        first = next(iter(measured[0].kept))
        for instrument, (_, count) in notes_by_instrument(measured, first).items():
            shares = [
                notes_by_instrument(measured, codec)[instrument][0] for codec in measured[0].kept
            ]
            by_instrument.add_row(
                f"{instrument or 'mixes'}, {count}", *(f"{share:.2f}" for share in shares)
            )
        console.print(by_instrument)
    if json_file is not None:
        json_file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _table(title: str, measured: list[Measured]) -> Table:
    codecs = list(measured[0].kept)
    columns = [summed_up(measured, codec) for codec in codecs]
    floors = fad_floors(measured)
    table = Table(title, *codecs, "floor")
    for row in columns[0]:
        floor = f"{floors[row]:.2f}" if row in floors else ""
        table.add_row(row, *(f"{column[row]:.2f}" for column in columns), floor)
    return table
