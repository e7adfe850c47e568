"""Colours and small pictures of text; the colours are those of the stage page."""

from __future__ import annotations

import math

from rich.cells import cell_len, set_cell_size
from rich.text import Text

INK, SOFT, FAINT = "#f1f3f5", "#b3bbc6", "#8b94a1"
NOW, GRAVE, WARN, GOOD, LINE = "#ffd68a", "#ff8a7a", "#f5c266", "#7fd1a8", "#3a424e"
PLAYERS = (
    *("#f0b35a", "#5fc9b4", "#e892b3", "#86aef5"),
    *("#b9a0f2", "#a3cf6e", "#f2977a", "#72c7e0"),
)
EIGHTHS = " ▏▎▍▌▋▊▉█"
SEVERITIES = (SOFT, WARN, WARN, GRAVE)
LEAST_DB = 60.0


def cell(text: str, width: int) -> str:
    """A text cut or filled to so many columns."""
    if cell_len(text) > width > 1:
        return set_cell_size(text, width - 1) + "…"
    return set_cell_size(text, width)


def gauge(share: float, width: int, colour: str) -> Text:
    """How much of a whole (0..1), in eighths of a column."""
    eighths = round(min(max(share, 0.0), 1.0) * width * 8)
    full, part = divmod(eighths, 8)
    filled = "█" * full + (EIGHTHS[part] if part else "")
    return Text.assemble((filled, colour), ("·" * (width - len(filled)), LINE))


def meter(level: float, width: int, colour: str) -> Text:
    """A peak level, linear, from -60 dB to full scale."""
    return gauge(1 + decibels(level) / LEAST_DB, width, colour)


def decibels(level: float) -> float:
    """Of a linear level, at least -100."""
    return 20 * math.log10(max(level, 1e-5))


def beside(left: Text, right: Text, width: int) -> Text:
    """Two texts on one line, each at its end."""
    room = width - left.cell_len - right.cell_len
    return Text.assemble(left, " " * max(1, room), right)
