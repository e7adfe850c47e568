"""Every command with its help, from the command line itself."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import typer
from typer.main import get_command

from companion.cli.app import app
from guide.markdown import plain

COLUMNS = 96


def commands() -> str:
    """A section for each command: what it does, and its help as a terminal shows it."""
    return "\n".join(_section(words, command) for words, command in _leaves("companion"))


def names() -> list[str]:
    """All commands as they are typed, in their order."""
    return [words for words, _ in _leaves("companion")]


def _leaves(words: str, command: Any = None) -> Iterator[tuple[str, Any]]:
    command = get_command(app) if command is None else command
    below = getattr(command, "commands", None)
    if below is None:
        yield words, command
        return
    for name, each in below.items():
        yield from _leaves(f"{words} {name}", each)


def _section(words: str, command: Any) -> str:
    context = typer.Context(command, info_name=words, terminal_width=COLUMNS)
    _, _, options = command.get_help(context).partition("\n\n")
    usage = command.get_usage(context).removeprefix("Usage: ")
    about, _, options = options.partition("\n\n")
    return "\n".join(
        [f"## {words}", "", plain(about), "", "```text", usage, "", options.rstrip(), "```", ""]
    )
