"""The command `python -m training stemgen`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from model.checkpoint import CODEC_FILE
from model.network import BACKBONES, CONTEXTS, FINE
from training.errors import TrainingError
from training.processes import tells
from training.stemgen.run import train_stemgen
from training.stemgen.settings import SIZES, StemgenSettings, find_size


def stemgen(
    band: Annotated[
        Path | None,
        typer.Option(help="Band set to train on; left out: data/band, or the shards alone."),
    ] = None,
    shards: Annotated[
        list[Path] | None, typer.Option(help="Shards that prepare wrote; may be given again.")
    ] = None,
    codec: Annotated[Path, typer.Option(help="Codec weights.")] = CODEC_FILE,
    out: Annotated[Path, typer.Option(help="Folder for shards, checkpoints, logs, weights.")] = (
        Path("runs/stemgen")
    ),
    size: Annotated[
        str, typer.Option(help=f"The network and how it is trained: {', '.join(SIZES)}.")
    ] = "own",
    steps: Annotated[
        int | None, typer.Option(help="Length of the run; left out: by size.", min=1)
    ] = None,
    seed: Annotated[int, typer.Option(help="Same seed, same run.", min=0)] = 1,
    backbone: Annotated[
        str, typer.Option(help=f"The network's trunk: {', '.join(BACKBONES)}.")
    ] = "transformer",
    context: Annotated[
        str | None,
        typer.Option(help=f"How the mix is heard: {', '.join(CONTEXTS)}; left out: by size."),
    ] = None,
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
        float | None,
        typer.Option(
            help="Highest learning rate, less to go on from weights; left out: by size.", min=1e-6
        ),
    ] = None,
    frames: Annotated[
        int | None,
        typer.Option(help="Frames a step, in all processes together; left out: by size.", min=1),
    ] = None,
    accumulate: Annotated[
        int, typer.Option(help="Parts that each process works a step off in.", min=1)
    ] = 1,
    shard: Annotated[
        bool,
        typer.Option("--shard", help="Each process keeps a share of the network (FSDP)."),
    ] = False,
    compiled: Annotated[
        bool, typer.Option("--compile", help="Compile the trunk with torch.compile.")
    ] = False,
    device: Annotated[str, typer.Option(help="auto, cuda, mps or cpu.")] = "auto",
    threads: Annotated[int, typer.Option(help="Processor threads; 0: all.", min=0)] = 0,
    workers: Annotated[int, typer.Option(help="Processes that encode the band.", min=1)] = 2,
) -> None:
    """Train the StemGen network. Ctrl-C stops it; run it again to go on where it stopped."""
    if backbone not in BACKBONES:
        raise TrainingError(f"backbone is {backbone!r}; valid: {', '.join(BACKBONES)}")
    chosen = find_size(size)
    context = context or chosen.network.context
    if context not in CONTEXTS:
        raise TrainingError(f"context is {context!r}; valid: {', '.join(CONTEXTS)}")
    if fine not in FINE:
        raise TrainingError(f"fine is {fine!r}; valid: {', '.join(FINE)}")
    if baseline and backbone != "transformer":
        raise TrainingError(f"backbone is {backbone!r}; valid for the baseline: transformer")
    given = {"peak": peak, "frames_a_step": frames}
    settings = StemgenSettings(
        steps=steps or chosen.steps,
        seed=seed,
        **chosen.settings | {name: value for name, value in given.items() if value is not None},
    )
    layers = chosen.network.layers * BACKBONES[backbone] // BACKBONES["transformer"]
    config = replace(
        chosen.network,
        layers=max(1, layers),
        backbone=backbone,
        context=context,
        fine="levels" if baseline else fine,
    )
    weights = train_stemgen(
        Path("data/band") if band is None and not shards else band,
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
        shards=shards or (),
        shard_network=shard,
        accumulate=accumulate,
        compiled=compiled,
    )
    if tells():
        Console().print(f"weights: {weights}")
