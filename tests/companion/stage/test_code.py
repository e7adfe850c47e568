"""The code for a tablet's camera."""

from __future__ import annotations

import segno

from companion.stage.code import QUIET, code_lines


def test_every_module_is_where_it_belongs_with_a_light_margin() -> None:
    address = "http://192.168.1.5:8700/?token=abcdefgh"
    lines = code_lines(address)
    rows = [
        [character in halves for character in line] for line in lines for halves in ("█▀", "█▄")
    ]
    modules = [[bool(each) for each in row] for row in segno.make(address, error="l").matrix]
    size = len(modules)
    inner = [row[QUIET : QUIET + size] for row in rows[QUIET : QUIET + size]]
    assert inner == modules
    assert not any(any(row) for row in rows[:QUIET] + rows[QUIET + size :])
    assert not any(row[at] for row in rows for at in (0, 1, -1, -2))
