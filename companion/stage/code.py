"""An address as a code that a tablet's camera reads."""

from __future__ import annotations

import segno

QUIET = 2
"""Light modules around it."""


def code_rows(url: str) -> tuple[tuple[bool, ...], ...]:
    """Rows of modules, True for dark, with the light margin that readers want."""
    made = segno.make(url, error="l", micro=False)
    return tuple(tuple(bool(module) for module in row) for row in made.matrix_iter(border=QUIET))


def code_lines(rows: tuple[tuple[bool, ...], ...]) -> list[str]:
    """Two rows a line, to be printed dark on light."""
    width = len(rows[0]) if rows else 0
    pairs = zip(rows[::2], (*rows[1::2], (False,) * width), strict=False)
    halves = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}
    return ["".join(halves[each] for each in zip(*pair, strict=True)) for pair in pairs]
