"""All knobs of a player, or of the rig, in columns; one of them is under the keys."""

from __future__ import annotations

from dataclasses import dataclass

from rich.text import Text

from companion.control.parameters import Parameter
from companion.terminal.ink import FAINT, GOOD, INK, LINE, NOW, SOFT, WARN, cell, gauge
from companion.terminal.steps import words, written
from companion.terminal.told import Told, control

LEAST = 39
"""Columns of the terminal that a knob needs at least."""
NAME, VALUE, BADGE = 20, 11, 6
ROOMY = 46
"""With so many there is room for a picture of where it stands, and for a whole controller."""
LONGEST_PICTURE, LONGEST_BADGE = 30, 14
DESCRIBED = 30
"""With so many left, what the knob does is written behind it."""


def columns(told: Told, player: str | None, width: int, height: int) -> int:
    """How many knobs stand side by side: as few as there is room for all of them."""
    wanted = -(-len(told.knobs(player)) // max(1, height))
    return max(1, min(width // LEAST, wanted))


def board(
    told: Told, player: str | None, under: int, width: int, height: int, typed: str = ""
) -> Text:
    """So many lines of them, with the one in it that is under the keys.

    Args:
        under: number of that one.
        typed: what has been typed for it.
    """
    knobs, beside = told.knobs(player), columns(told, player, width, height)
    rows = -(-len(knobs) // beside)
    first = min(max(0, under % rows - height + 1), max(0, rows - height))
    lines = []
    for row in range(first, min(rows, first + height)):
        line = Text()
        for number in range(row, len(knobs), rows):
            mine = number == under
            cells = _Cells(told, player, knobs[number], mine, typed if mine else "")
            line.append_text(cells.line(width // beside))
        lines.append(line)
    return Text("\n").join(lines)


@dataclass(frozen=True, slots=True)
class _Cells:
    """A knob in parts, from the left."""

    told: Told
    player: str | None
    knob: Parameter
    under: bool
    typed: str

    def line(self, width: int) -> Text:
        """All of it in so many columns."""
        roomy = width >= ROOMY
        badge = LONGEST_BADGE if roomy and width - NAME - VALUE > 2 * LONGEST_BADGE else BADGE
        left = width - 2 - NAME - VALUE - badge
        line = Text.assemble(self._mark, self._name)
        if roomy:
            picture = min(LONGEST_PICTURE, left)
            line.append_text(self._picture(picture - 1)).append(" ")
            left -= picture
        line.append_text(self._value(VALUE + (0 if roomy else left)))
        line.append_text(_badge(self.told, self.player, self.knob, badge))
        if roomy:
            described = self.knob.description if left >= DESCRIBED else ""
            line.append(cell(described, left), FAINT)
        return line

    @property
    def _locked(self) -> bool:
        return self.knob.locks and bool(self.told.value(None, "lock"))

    @property
    def _mark(self) -> tuple[str, str]:
        learn = self.told.learn
        chosen = (
            learn is not None
            and learn["on"]
            and learn["chosen"]
            == [
                self.player,
                self.knob.name,
            ]
        )
        return "◉ " if chosen else "▶ " if self.under else "  ", NOW

    @property
    def _name(self) -> tuple[str, str]:
        colour = f"bold {NOW}" if self.under else FAINT if self._locked else SOFT
        return cell(words(self.knob.name), NAME), colour

    def _picture(self, width: int) -> Text:
        if self.knob.kind not in ("number", "whole"):
            return Text(" " * width)
        value = self.told.value(self.player, self.knob.name)
        return gauge(self.knob.position(value), width, LINE if self._locked else FAINT)

    def _value(self, width: int) -> Text:
        value = self.told.value(self.player, self.knob.name)
        if self.typed:
            return Text(cell(f"{self.typed}▁", width), NOW)
        if self.knob.kind == "trigger":
            return Text(cell("press", width), FAINT)
        moved = GOOD if value is True else INK if value != self.knob.default else SOFT
        return Text(cell(written(self.knob, value), width), FAINT if self._locked else moved)


def _badge(told: Told, player: str | None, knob: Parameter, width: int) -> Text:
    """Its controller, or a dash; what it waits for, and whether that turns others too."""
    if told.learn is None:
        return Text(" " * width)
    bound = told.bound(player, knob.name)
    if not bound:
        return Text(cell("–", width), LINE)
    waits = told.waits(player, knob.name)
    text = control(bound[-1])
    if width < LONGEST_BADGE:
        text = text.split(" ch ")[0]
    text += "" if waits is None else "↕"
    clashes = any(each["clashes"] for each in bound)
    return Text(cell(text, width - 1) + " ", WARN if clashes else FAINT if waits is None else NOW)
