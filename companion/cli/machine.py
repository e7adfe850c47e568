"""The commands about the machine: what it can do, whether it can play, a preset for it."""

from __future__ import annotations

from typing import Annotated

import typer
from rich.console import Console

from companion.cli.typed import Weights
from companion.control.preset import load_preset
from companion.system.printing import say


def machine_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command("bench")(bench_command)


def bench_command(
    preset: Annotated[
        str, typer.Option(help="Preset whose tempo, players and knobs are measured with.")
    ] = "band",
    weights: Weights = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Measure what this machine can do; takes about a minute on a slow laptop."""
    from companion.bench.report import lines, whole
    from companion.bench.run import bench

    with Console(stderr=True).status("measuring") as status:
        measured, _ = bench(load_preset(preset), weights, status.update)
    for line in [whole(measured)] if as_json else lines(measured):
        say(line)
