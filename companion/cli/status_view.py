"""What a terminal shows while the companion plays: what went wrong, and below it the status line.

Trouble stands first and in lines of its own: where the terminal is too low for all, what is least
grave gives way, and then the status line.

*Threading*: unchanging; rich's thread draws it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from companion.session.trouble import Trouble
from companion.system.printing import printable


@dataclass(frozen=True, slots=True)
class StatusView:
    """What stands in the terminal at one moment."""

    line: Text  # the status line
    troubles: tuple[Trouble, ...]  # the gravest first

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        """Lines no wider than the terminal."""
        line = wrapped(console, self.line, options.max_width)
        room = console.height - len(line) - 1  # the cursor's own
        yield from trouble_lines(console, self.troubles, options.max_width, room)
        yield from line


def trouble_lines(
    console: Console, troubles: Sequence[Trouble], width: int, room: int
) -> list[Text]:
    """Trouble by trouble as lines of up to `width` columns.

    The first is there with every word; of the others as many as there is room for, each whole, and
    then how many are left.
    """
    each = [wrapped(console, Text(f"! {printable(one.line)}"), width) for one in troubles]
    lines: list[Text] = []
    for place, mine in enumerate(each):
        more = len(each) - place - 1
        if place and len(lines) + len(mine) + bool(more) > room:
            return [*lines, Text(f"! {more + 1} more")]
        lines += mine
    return lines


def wrapped(console: Console, text: Text, width: int) -> list[Text]:
    """A text in lines of up to `width` columns; a longer word goes on in the next line."""
    return list(text.wrap(console, width, overflow="fold", no_wrap=False))
