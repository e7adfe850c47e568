"""`companion jam --stage`: the option, and what the terminal says of the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from typing import Any

import typer
from rich.console import Console
from rich.text import Text
from typer.core import TyperCommand

from companion.session.session import Session
from companion.session.status import Status
from companion.stage.place import LOOPBACK, PORT, looks_like_a_place
from companion.stage.stage import Stage
from companion.system.printing import printable

OPTION = "--stage"
Say = Callable[[str], None]
OnTick = Callable[[Status], None]


def stage_option() -> Any:
    """The option; where it stands alone, the page is for this machine only."""
    return typer.Option(
        OPTION,
        metavar="[HOST[:PORT]]",
        help=f"Serve the stage page, at {LOOPBACK}:{PORT} or where you say; at 0.0.0.0 for "
        "a tablet in the network.",
    )


class StageJam(TyperCommand):
    """A command whose option `--stage` may stand alone."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """See click; a word behind the option is its value only if it looks like a place."""
        filled: list[str] = []
        for word, following in zip(args, [*args, ""][1:], strict=True):
            filled.append(word)
            if word == OPTION and not looks_like_a_place(following):
                filled.append(LOOPBACK)
        return super().parse_args(ctx, filled)


class Page:
    """The stage page of a jam, or none."""

    def __init__(self, stage: Stage | None) -> None:
        self._stage = stage

    def also(self, say: Say) -> Say:
        """Say a line on the page too."""
        stage = self._stage
        if stage is None:
            return say

        def both(line: str) -> None:
            say(line)
            stage.said(printable(line))

        return both

    def watch(self, session: Session, on_tick: OnTick) -> OnTick:
        """Show the session on the page too; what to call at every tick."""
        if self._stage is None:
            return on_tick
        look = self._stage.attach(session)

        def both(status: Status) -> None:
            on_tick(status)
            look(status)

        return both


def open_stage(place: str | None, console: Console, until: ExitStack) -> Page:
    """Serve the page where one was asked for, until the jam has been told of; say how to open it.

    Raises:
        CompanionError: it cannot be served there, or what it needs is not installed.
    """
    if place is None:
        return Page(None)
    stage = until.enter_context(Stage(place))
    console.print(f"stage: {stage.url}")
    if stage.code and console.is_terminal:
        for line in stage.code:
            console.print(Text(line, style="black on bright_white"))
    return Page(stage)
