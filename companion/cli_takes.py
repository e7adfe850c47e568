"""The commands for takes: what `cli` offers once the music is over."""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Annotated

import typer

Take = Annotated[Path, typer.Argument(help="Folder of a take.")]


def take_commands(app: typer.Typer) -> None:
    """Add them to the command line."""
    app.command("recover")(recover_command)
    app.command("export")(export_command)


def recover_command(take: Take) -> None:
    """Make a valid take of what a crash left."""
    from companion.take.recover import recover

    found = recover(take)
    for change in found.changes:
        typer.echo(f"  {change}")
    typer.echo(f"take: {take}, {found.seconds:.2f} s" + ("" if found.changes else ", was whole"))
    if found.picture is not None:
        typer.echo(f"picture: {found.picture}")


def export_command(
    take: Take,
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder to write into.")],
) -> None:
    """Write a take for a workstation: WAV files, tempo map, DAWproject."""
    from companion.take.export import export

    for path in export(take, out, version("companion")):
        typer.echo(str(path))
