"""A line for the live mix and one for each player: what sounds, how loud, what is planned, at what
price.

Of the bars from this one on a line has one sign each: full is settled, half is laid but may be
replaced by a better plan, hatched is being made, a dot is nothing yet.
"""

from __future__ import annotations

from typing import Any

from rich.text import Text

from companion.terminal.heading import place, seconds, share
from companion.terminal.ink import (
    FAINT,
    GRAVE,
    INK,
    LINE,
    NOW,
    PLAYERS,
    SOFT,
    WARN,
    cell,
    decibels,
    gauge,
    meter,
)
from companion.terminal.told import Told

AHEAD = 6
NAME, SOUNDS, LEVEL, PLAN, SLACK, ISR = 10, 12, 6, 5, 7, 5
FLAGS = 17
LEAST_BAR, LONGEST_BAR, LONGEST_PLAN = 6, 36, 24
SETTLED, LAID, COMING, NOTHING = "█", "▄", "░", "·"


def lanes(told: Told, width: int, chosen: str | None) -> Text:
    """All lines, and above them what stands in which column; `chosen` is whose knobs are shown."""
    room = width - 2 - NAME - SOUNDS - LEVEL - 1 - AHEAD - PLAN - SLACK - ISR - FLAGS
    bar = min(max(LEAST_BAR, room), LONGEST_BAR)
    plan = min(max(0, room - bar), LONGEST_PLAN)
    lines = [_titles(bar, plan), _mix(told, bar)]
    lines += [_lane(told, number, bar, plan, chosen) for number in range(len(told.names))]
    for line in lines:
        line.truncate(width)
    return Text("\n").join(lines)


def _titles(bar: int, plan: int) -> Text:
    columns = (
        *(("  ", 2), ("player", NAME), ("sounds", SOUNDS), ("level", bar + LEVEL + 1)),
        *(("bars", AHEAD), ("plan", plan + PLAN), ("slack", SLACK), ("ISR", ISR)),
    )
    # Numbers stand at the right end of their columns.
    right = ("plan", "slack", "ISR")
    return Text("".join(n.rjust(w) if n in right else n.ljust(w) for n, w in columns), FAINT)


def _level(level: float, bar: int, colour: str) -> Text:
    number = f"{decibels(level):.0f} dB".replace("-", "−") if level > 1e-3 else "–"
    return Text.assemble(meter(level, bar, colour), (number.rjust(LEVEL), SOFT), " ")


def _mix(told: Told, bar: int) -> Text:
    device = cell(str(told.opening["devices"][0]), SOUNDS - 1)
    name = cell("live mix", NAME)
    return Text.assemble(
        "  ", (name, INK), (f"{device} ", FAINT), _level(told.moving["in"], bar, SOFT)
    )


def _lane(told: Told, number: int, bar: int, plan: int, chosen: str | None) -> Text:
    name, colour = told.names[number], PLAYERS[number % len(PLAYERS)]
    player = told.parts["players"][number]
    silent = bool(told.value(name, "mute"))
    done = told.moving["plans"][number]
    slack, isr = seconds(player["slack"]), share(player["isr"])
    return Text.assemble(
        ("▶ " if name == chosen else "  ", NOW),
        (cell(name, NAME - 1), f"bold {colour}"),
        " ",
        _sounds(player),
        _level(told.moving["levels"][number], bar, LINE if silent else colour),
        (_bars(told, player), colour),
        " " if plan else "",
        gauge(done, plan - 1, colour) if done and plan > 1 else " " * max(0, plan - 1),
        (f"{done:.0%}".rjust(PLAN) if done else " " * PLAN, SOFT),
        (slack[0].rjust(SLACK), slack[1]),
        (isr[0].rjust(ISR), isr[1]),
        *_flags(told, name),
    )


def _sounds(player: dict[str, Any]) -> tuple[str, str]:
    """What a player plays, or what its plan had to do without."""
    sounding, fallback = player["sounding"], player["fallback"]
    text = "listening" if sounding is None else "again" if sounding == "repeat" else sounding
    if fallback in ("fewer steps", "finished at once"):
        text = fallback
    colour = SOFT if fallback == "none" else WARN
    return cell(text, SOUNDS - 1) + " ", GRAVE if sounding == "silence" else colour


def _bars(told: Told, player: dict[str, Any]) -> str:
    now = place(told)[0]
    known = {
        bar: (settled and sounding, laid, coming)
        for bar, sounding, settled, laid, coming, _ in player["bars"]
    }
    signs = ""
    for bar in range(now, now + AHEAD):
        settled, laid, coming = known.get(bar, (None, False, False))
        signs += SETTLED if settled else COMING if coming else LAID if laid else NOTHING
    return signs


def _flags(told: Told, name: str) -> list[tuple[str, str]]:
    solo = told.parts.get("solo")
    flags = [
        ("solo", solo == name, NOW),
        ("mute", bool(told.value(name, "mute")) and solo is None, GRAVE),
        ("hold", bool(told.value(name, "hold")), NOW),
    ]
    take = told.value(name, "take")
    flags.append((f"take {take}", take != "off", NOW))
    return [(f" {word}", colour) for word, on, colour in flags if on]
