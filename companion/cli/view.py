"""`companion jam --view`: the terminal is the view's while a session plays."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import typer
from rich.live import Live

from companion.session.session import Session
from companion.session.status import Status
from companion.system.printing import printable
from companion.terminal.terminal import Terminal

Say = Callable[[str], None]
OnTick = Callable[[Status], None]


def view_option() -> Any:
    """The option."""
    return typer.Option("--view", help="Show the stage in this terminal, to be played by keys.")


class Shown:
    """The view of a jam, or none."""

    def __init__(self, terminal: Terminal | None) -> None:
        self._terminal = terminal

    def also(self, say: Say) -> Say:
        """Say a line in the view too."""
        terminal = self._terminal
        if terminal is None:
            return say

        def both(line: str) -> None:
            say(line)
            terminal.said(printable(line))

        return both

    def watch(self, session: Session, on_tick: OnTick, live: Live) -> OnTick:
        """Show the session in place of `live`, which goes on should the view end before the set.

        Returns:
            what to call at every tick, in place of `on_tick`.
        """
        terminal = self._terminal
        if terminal is None:
            return on_tick
        live.stop()
        look = terminal.attach(session)

        def instead(status: Status) -> None:
            look(status)
            if not terminal.shows:
                live.start()
                on_tick(status)

        return instead


@contextmanager
def open_view(wanted: bool) -> Iterator[Shown]:
    """Have the view, where it is wanted, until the context ends.

    Raises:
        CompanionError: what it needs is not installed, or there is no terminal.
    """
    if not wanted:
        yield Shown(None)
        return
    with Terminal() as terminal:
        yield Shown(terminal)
