"""Markdown of tables and of texts that must not be taken for Markdown."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_MEANT = re.compile(r"([\\`*_{}\[\]<>#|~])")


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A table; cells are Markdown of one line, in which a bar is written `\\|`."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def plain(text: str) -> str:
    """A text as Markdown that shows it as it is, on one line; what stands in backticks is code."""
    parts = " ".join(text.split()).split("`")
    if len(parts) % 2 == 0:  # one backtick is without its other
        return _MEANT.sub(r"\\\1", "`".join(parts))
    return "".join(
        code(part) if number % 2 else _MEANT.sub(r"\\\1", part) for number, part in enumerate(parts)
    )


def code(text: str) -> str:
    """A text as code, in a table too."""
    return f"`{text}`".replace("|", r"\|") if text else ""
