"""What is typed on the command line, as what it means: paths, numbers.

The parsers raise CompanionError, one line that names what was typed.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from companion.system.errors import CompanionError


def typed_path(text: str) -> Path:
    """A path; `~` is the home folder also where no shell has seen it, as in ``--takes=~/gig``."""
    try:
        return Path(text).expanduser()
    except RuntimeError as error:
        raise CompanionError(
            f"there is no home folder for {text!r}; valid: a path, ./~ for a file of that name"
        ) from error


def typed_number(name: str, valid: str) -> Callable[[str], float]:
    """A parser of numbers; `name` and `valid` are for its message."""

    def parse(text: str) -> float:
        try:
            return float(text)
        except ValueError as error:
            point, hint = text.replace(",", ".", 1), ""
            with suppress(ValueError):
                float(point)
                hint = f", with a point: {point}"
            raise CompanionError(f"{name} is {text!r}; valid: {valid}{hint}") from error

    return parse


def path_option(help: str, *names: str) -> Any:
    """An option that is a path."""
    return typer.Option(*names, help=help, parser=typed_path, metavar="PATH")


Weights = Annotated[
    Path | None, path_option("Folder with codec.safetensors and stemgen.safetensors.")
]
