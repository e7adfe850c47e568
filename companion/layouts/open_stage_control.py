"""A session for Open Stage Control (1.0 or later): JSON, a tab for each panel."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from companion.control.osc_tree import Place
from companion.layouts.panel import Panel, Wiring, short, twin

WIDTH, HEIGHT, ROW, LABEL, COLUMN = 180, 32, 38, 170, 400
ROWS = 16
VERSION = "1.25.0"
"""Of the format; a later program reads it too."""


def open_stage_control_session(panels: Sequence[Panel], wiring: Wiring) -> bytes:
    """The session, as its file."""
    target = f"127.0.0.1:{wiring.port}"
    root = {
        "type": "root",
        "id": "root",
        # Once it is there it asks to be told; it is told where it sends from.
        "onCreate": f"send('{target}', '/companion/subscribe')",
        "tabs": [_tab(panel, target) for panel in panels],
    }
    session = {
        "createdWith": "Open Stage Control",
        "version": VERSION,
        "type": "session",
        "content": root,
    }
    return json.dumps(session, indent=1).encode()


def _tab(panel: Panel, target: str) -> dict[str, Any]:
    shown = [_knob(knob) for knob in panel.knobs]
    shown += [_news(news) for news in panel.news if len(news.types) == 1]
    places = [*panel.knobs, *(news for news in panel.news if len(news.types) == 1)]
    widgets: list[dict[str, Any]] = []
    for number, (place, widget) in enumerate(zip(places, shown, strict=True)):
        column, row = divmod(number, ROWS)
        left, top = 20 + COLUMN * column, 20 + ROW * row
        name = place.address.strip("/").replace("/", "_")
        label = {"type": "text", "id": f"{name}_label", "default": short(place), "align": "left"}
        widgets.append(label | _rectangle(left, top, LABEL) | {"bypass": True})
        where = _rectangle(left + LABEL + 10, top, WIDTH)
        widgets.append({"id": name, **widget, **where, "target": target})
    tab = f"tab_{panel.title}"
    return {"type": "tab", "id": tab, "label": panel.title, "widgets": widgets}


def _rectangle(left: int, top: int, width: int) -> dict[str, int]:
    return {"left": left, "top": top, "width": width, "height": HEIGHT}


def _knob(knob: Place) -> dict[str, Any]:
    if knob.types == "I":
        return {"type": "button", "mode": "momentary", "address": knob.address, "label": "go"}
    if knob.types == "T":
        button = {"type": "button", "mode": "toggle", "on": 1, "off": 0, "typeTags": "i"}
        return {**button, "address": knob.address, "label": "on"}
    if knob.types == "s":
        choices = {"type": "dropdown", "values": list(knob.choices), "typeTags": "s"}
        return {**choices, "address": knob.address}
    return {**_fader(), "address": twin(knob), "decimals": 5, "typeTags": "f"}


def _fader() -> dict[str, Any]:
    return {
        "type": "fader",
        "horizontal": True,
        "design": "compact",
        "range": {"min": 0, "max": 1},
    }


def _news(news: Place) -> dict[str, Any]:
    """A gauge for what goes from 0 to 1, else text; neither sends."""
    if news.types == "f" and (news.ranges[0] or "meter" in news.address):
        return {**_fader(), "address": news.address, "interaction": False, "bypass": True}
    return {"type": "text", "address": news.address, "default": "–", "bypass": True}
