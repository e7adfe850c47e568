"""The command `python -m training stemgen`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.checkpoint import CODEC_FILE
from model.network import BACKBONES, CONTEXTS, FINE, NetworkConfig
from model.request import SOURCES
from training.errors import TrainingError
from training.stemgen.run import train_stemgen
from training.stemgen.train import StemgenSettings


def stemgen(
    band: Annotated[Path, typer.Option(help="Band set to train on.")] = Path("data/band"),
    codec: Annotated[Path, typer.Option(help="Codec weights.")] = CODEC_FILE,
    out: Annotated[Path, typer.Option(help="Folder for shards, checkpoints, logs, weights.")] = (
        Path("runs/stemgen")
    ),
    steps: Annotated[int, typer.Option(help="Length of the run.", min=1)] = 3000,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    backbone: Annotated[
        str, typer.Option(help=f"The network's trunk: {', '.join(BACKBONES)}.")
    ] = "transformer",
    context: Annotated[
        str, typer.Option(help=f"How the mix is heard: {', '.join(CONTEXTS)}.")
    ] = "features",
    fine: Annotated[
        str, typer.Option(help=f"How finer levels are told: {', '.join(FINE)}.")
    ] = "levels",
    baseline: Annotated[
        bool, typer.Option("--baseline", help="Train the autoregressive baseline instead.")
    ] = False,
    start: Annotated[
        Path | None, typer.Option(help="Weights to go on from, in place of new ones.")
    ] = None,
    teacher: Annotated[
        Path | None, typer.Option(help="Weights whose guidance is learnt as an input.")
    ] = None,
    peak: Annotated[
        float, typer.Option(help="Highest learning rate; less to go on from weights.", min=1e-6)
    ] = 2e-3,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes that encode the band.", min=1)] = 2,
) -> None:
    """Train the StemGen network. Ctrl-C stops it; run it again to go on where it stopped."""
    if backbone not in BACKBONES:
        raise TrainingError(f"backbone is {backbone!r}; valid: {', '.join(BACKBONES)}")
    if context not in CONTEXTS:
        raise TrainingError(f"context is {context!r}; valid: {', '.join(CONTEXTS)}")
    if fine not in FINE:
        raise TrainingError(f"fine is {fine!r}; valid: {', '.join(FINE)}")
    if baseline and backbone != "transformer":
        raise TrainingError(f"backbone is {backbone!r}; valid for the baseline: transformer")
    settings = StemgenSettings(steps=steps, seed=seed, peak=peak)
    config = NetworkConfig(
        width=320,
        heads=5,
        layers=BACKBONES[backbone],
        backbone=backbone,
        context=context,
        fine="levels" if baseline else fine,
        sources=SOURCES,
    )
    weights = train_stemgen(
        band,
        codec,
        out,
        settings,
        config,
        baseline=baseline,
        start=start,
        teacher=teacher,
        device=device,
        workers=workers,
        threads=threads,
    )
    Console().print(f"weights: {weights}")
