"""The command `python -m training band`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Annotated

import typer

from training.band.build import build_band


def band(
    out: Annotated[Path, typer.Option(help="Folder to write the set to.")] = Path("data/band"),
    songs: Annotated[int, typer.Option(help="How many songs the set has.")] = 600,
    seed: Annotated[int, typer.Option(help="Same seed, same bytes.")] = 1,
    workers: Annotated[
        int | None, typer.Option(help="Processes; left out: as many as there are cores.")
    ] = None,
    held_out: Annotated[
        bool,
        typer.Option(
            "--held-out",
            help="Grooves, chords and fonts that no training set has; to measure with.",
        ),
    ] = False,
) -> None:
    """Write a synthetic multitrack set. Run it again to go on where it stopped."""
    processes = os.cpu_count() or 1 if workers is None else workers
    build_band(out, songs, seed, processes, held_out=held_out)
