"""The bottom of the view: whose knobs are shown, what goes wrong or was answered, and the keys."""

from __future__ import annotations

from rich.text import Text

from companion.control.parameters import Parameter
from companion.terminal.hands import RIG, SHORT
from companion.terminal.ink import FAINT, GRAVE, INK, NOW, PLAYERS, SEVERITIES, SOFT, cell
from companion.terminal.steps import words
from companion.terminal.told import ALL, Told


def tabs(told: Told, player: str | None, knob: Parameter, width: int) -> Text:
    """Every player and the rig, with the one whose knobs are shown; what the knob does."""
    line = Text()
    for number, name in enumerate((*told.names, None)):
        colour = SOFT if name is None else PLAYERS[number % len(PLAYERS)]
        line.append(f" {name or RIG} ", f"bold reverse {colour}" if name == player else colour)
        line.append(" ")
    line.append(f" {knob.description}", FAINT)
    line.truncate(width, overflow="ellipsis")
    return line


def foot(told: Told, width: int, height: int) -> Text:
    """What was answered, what is to be done to learn, what goes wrong; else how all is set up."""
    lines = [Text(told.said, NOW)] if told.said else []
    if told.learning:
        lines.append(_learning(told))
    elif told.learn and told.learn["trouble"]:
        lines.append(Text(f"not kept: {told.learn['trouble']}", GRAVE))
    for each in told.parts["trouble"]:
        often = f" ({each['times']} times)" if each["times"] > 1 else ""
        over = "over: " if each["over"] else ""
        colour = FAINT if each["over"] else SEVERITIES[each["severity"]]
        lines.append(Text(f"{over}{each['text']}{often}", colour))
    if not lines:
        devices = " → ".join(str(each) for each in told.opening["devices"])
        opened = ", ".join(each for each in told.parts["said"] if each.startswith(("MIDI", "OSC")))
        lines = [
            Text(f"{devices}, {told.opening['rate'] / 1000:g} kHz", FAINT),
            Text(opened, FAINT),
        ]
    if len(lines) > height > 0:
        more = len(lines) - height
        lines = lines[:height]
        lines[-1].append(f"  and {more} more", FAINT)
    for line in lines:
        line.truncate(width, overflow="ellipsis")
    return Text("\n").join(lines)


def _learning(told: Told) -> Text:
    assert told.learn is not None
    chosen, trouble = told.learn["chosen"], told.learn["trouble"]
    if chosen is None:
        line = Text("learn: Enter chooses a knob, then move a controller; Escape leaves", NOW)
    else:
        player, knob = chosen
        of = "" if player is None else f" of {'every player' if player == ALL else player}"
        line = Text.assemble(
            ("learn: move a controller for ", NOW), (words(knob) + of, f"bold {INK}")
        )
    if trouble:
        line.append(f"  not kept: {trouble}", GRAVE)
    return line


def keys(width: int) -> Text:
    """The keys in a line."""
    return Text(cell(SHORT, width).rstrip(), FAINT)
