"""An address as a code that a tablet's camera reads."""

from __future__ import annotations

import segno

QUIET = 2
"""Light modules around it."""
HALVES = {(True, True): "█", (True, False): "▀", (False, True): "▄", (False, False): " "}


def code_lines(address: str) -> list[str]:
    """Two rows of modules a line, to be printed dark on light, with a light margin."""
    made = segno.make(address, error="l", micro=False)
    rows = [[bool(module) for module in row] for row in made.matrix_iter(border=QUIET)]
    if len(rows) % 2:
        rows.append([False] * len(rows[0]))
    pairs = zip(rows[::2], rows[1::2], strict=True)
    return ["".join(HALVES[each] for each in zip(*pair, strict=True)) for pair in pairs]
