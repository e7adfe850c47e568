"""The command `python -m training experiment`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from training.experiments.page import write_page
from training.experiments.registry import EXPERIMENTS, find_experiment
from training.experiments.settings import Settings
from training.experiments.toy import toy_settings
from training.loop import prepare_process

PAGES = Path("docs/experiments")


def experiment(
    name: Annotated[str | None, typer.Argument(help="Which; left out: lists them.")] = None,
    quick: Annotated[
        bool, typer.Option("--quick", help="Rehearse at toy size, in seconds, with made data.")
    ] = False,
    out: Annotated[
        Path, typer.Option(help="Folder of everything measured; experiments may share it.")
    ] = Path("runs/experiments"),
    seed: Annotated[int, typer.Option(help="Same seed, same windows.", min=0)] = 1,
    weights: Annotated[Path | None, typer.Option(help="Folder with the weights.")] = None,
    held_out: Annotated[Path, typer.Option(help="Songs that no training set has.")] = (
        Path("data/held-out")
    ),
    band: Annotated[Path, typer.Option(help="Band set the network was trained on.")] = (
        Path("data/band")
    ),
    report: Annotated[Path, typer.Option(help="Report that evaluate wrote.")] = (
        Path("docs/evaluation/report.json")
    ),
    examples: Annotated[int, typer.Option(help="Windows that each figure stands on.", min=2)] = 48,
    shards: Annotated[Path, typer.Option(help="Token shards that small networks learn from.")] = (
        Path("runs/stemgen/shards")
    ),
    steps: Annotated[
        int | None,
        typer.Option(help="Steps that small networks learn; left out: by experiment.", min=1),
    ] = None,
) -> None:
    """Answer one question by measuring, and write its page. Run it again to go on.

    The page goes to docs/experiments, or with --quick into the folder of what is measured. An
    answer that was written into it stays.
    """
    print = Console(highlight=False, soft_wrap=True).print
    if name is None:
        for known in EXPERIMENTS:
            print(f"{known}: {find_experiment(known).question}")
        return
    found = find_experiment(name)
    prepare_process(1)
    if quick:
        settings = toy_settings(out, seed)
    else:
        settings = Settings(
            out,
            PAGES,
            held_out,
            band,
            weights,
            report,
            examples,
            seed,
            shards=shards,
            steps=steps,
        )
    command = f"python -m training experiment {name}" + (" --quick" if quick else "")
    command += "" if quick else f" --examples {examples} --seed {seed}"
    command += "" if quick or steps is None else f" --steps {steps}"
    file, changed = write_page(found.run(settings), settings.pages, name, command)
    print(f"page: {file}")
    if changed:
        print("what it says has changed: read its answer again")
