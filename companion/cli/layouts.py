"""`companion layouts`: control surfaces for other programs."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from companion.cli.typed import typed_path
from companion.control.preset import bundled_presets, load_preset
from companion.layouts.layouts import write_layouts
from companion.system.printing import say


def layout_commands(app: typer.Typer) -> None:
    """Add the command to the command line."""
    app.command("layouts")(layouts_command)


def layouts_command(
    folder: Annotated[
        Path,
        typer.Argument(help="Where to write them.", parser=typed_path, show_default="layouts"),
    ] = Path("layouts"),
    preset: Annotated[
        str, typer.Option(help=f"Preset: {', '.join(bundled_presets())}, or a YAML file.")
    ] = "bass",
) -> None:
    """Write control surfaces for Pure Data, Max, Open Stage Control, TouchOSC, TouchDesigner."""
    for file in write_layouts(load_preset(preset), folder):
        say(str(file))
