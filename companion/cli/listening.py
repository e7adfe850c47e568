"""The listening test on the command line: what `cli` offers under `companion listen-test`."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from companion.cli.typed import Weights, path_option, typed_path
from companion.control.preset import DEVICES, GeneratorPreset
from companion.system.errors import CompanionError
from companion.system.printing import say

Study = Annotated[Path, typer.Argument(help="Folder of a study.", parser=typed_path)]
listening = typer.Typer(
    add_completion=False,
    no_args_is_help=True,
    help="Find out whether people hear that the stems fit.",
)


@listening.command("make")
def make_command(
    contexts: Annotated[
        Path, typer.Argument(help="Folder of recordings with contexts.yaml.", parser=typed_path)
    ],
    out: Annotated[Path, path_option("Folder of the study.", "--out", "-o")],
    device: Annotated[str, typer.Option(help="Where the model runs: auto, cuda, mps or cpu.")] = (
        "auto"
    ),
    weights: Weights = None,
    musicgen: Annotated[
        Path | None, path_option("Folder of MusicGen's weights, to compare with it.")
    ] = None,
) -> None:
    """Make a study of your recordings; it goes on where it was cut off."""
    from companion.listening.make import make

    if device not in DEVICES:
        raise CompanionError(f"device is {device!r}; valid: {', '.join(DEVICES)}")
    generator = replace(GeneratorPreset(), device=device)
    study = make(contexts, out, generator, weights, musicgen, lambda line: say(f"  {line}"))
    say(f"{study.contexts} contexts, {study.arms} conditions")
    say(f"study: {out}")


@listening.command("serve")
def serve_command(
    study: Study,
    host: Annotated[str, typer.Option(help="Address to listen on; 0.0.0.0 for all.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on.", min=0, max=65535)] = 8000,
) -> None:
    """Give a study to listeners: they open a page. Ctrl-C ends it; answers stay."""
    try:
        from companion.listening.server import serve
    except ModuleNotFoundError as error:
        raise CompanionError(
            f'{error.name} is not installed; valid: pip install "companion[stage]"'
        ) from error
    serve(study, host, port, say)


@listening.command("analyse")
def analyse_command(study: Study) -> None:
    """Say what the answers of a study come to, and write a page."""
    from companion.listening.analysis import analysed
    from companion.listening.answers import read_answers
    from companion.listening.report import summary, write_report
    from companion.listening.study import ANSWERS, read_key, read_study

    what, key, answers = read_study(study), read_key(study), read_answers(study / ANSWERS)
    analysis = analysed(what, key, answers)
    for line in summary(analysis):
        say(line)
    say(f"page: {write_report(study, what, analysis)}")
