"""What those who watch are told: everything once, and from then on what has changed.

*Threading*: `said` and `attach` may be called from any thread; all else belongs to the thread of
who tells it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from companion.stage.sections import (
    Section,
    Watched,
    moving,
    opening,
    sections,
    waves,
    waves_section,
)

MAX_LINES = 40
"""Of what the terminal has told that are kept."""


@dataclass(frozen=True, slots=True)
class News:
    """A session at one moment, as JSON."""

    changed: str  # since the moment before
    _watched: Watched
    _now: Section
    _parts: Mapping[str, Section]

    def everything(self) -> str:
        """For who knows nothing yet."""
        peaks = self._watched.peaks
        stretches = waves_section([] if peaks is None else peaks.all())
        state = _state(self._now, self._parts, stretches)
        return f'{{"kind":"hello","opening":{as_json(opening(self._watched))},"state":{state}}}'


class Telling:
    """Makes what is told.

    Attributes:
        watched: the session, once there is one.
        lines: what the terminal tells while everything is opened.
    """

    def __init__(self) -> None:
        """Nothing plays yet."""
        self.watched: Watched | None = None
        self.lines: tuple[str, ...] = ()
        self._sent: dict[str, Section] = {}

    def said(self, line: str) -> None:
        """The terminal tells a line."""
        self.lines = (*self.lines, line)[-MAX_LINES:]

    def attach(self, watched: Watched) -> None:
        """This is the session from now on."""
        self.watched = watched

    def opening(self) -> str:
        """For who watches before anything plays."""
        return as_json({"kind": "opening", "said": self.lines})

    def look(self) -> News | None:
        """What is new since the last look; None while there is nothing to be seen."""
        watched = self.watched
        view = None if watched is None else watched.observer.latest
        if watched is None or view is None:
            return None
        parts = sections(watched, view)
        parts["said"] = self.lines
        changed = {name: part for name, part in parts.items() if self._sent.get(name) != part}
        self._sent = parts
        now = moving(watched, view)
        new = _state(now, changed, waves_section(waves(watched, view)))
        return News(new, watched, now, parts)


def _state(now: Section, parts: Mapping[str, Section], stretches: Section) -> str:
    return as_json({"kind": "state", "moving": now, "waves": stretches, **parts})


def as_json(value: Any) -> str:
    """On one line, of the characters as they are."""
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
