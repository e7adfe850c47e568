"""A patch for Max (8 or later): a `.maxpat`, which is JSON.

Every knob is a slider from 0 to 1, a toggle, a button or a menu. One `route` for each panel leads
what is told to them. What only wires them is hidden while the patch is locked.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

from companion.control.osc_tree import Place
from companion.layouts.panel import Panel, Wiring, short, twin

COLUMN, ROW, LABEL, WIRES = 700, 26, 150, 390
WIDTHS = {"comment": 145, "slider": 160, "umenu": 160, "message": 170, "flonum": 50}
SLIDER: dict[str, Any] = {"floatoutput": 1, "size": 1.0, "orientation": 1}


def max_patch(panels: Sequence[Panel], wiring: Wiring) -> bytes:
    """The patch, as its file."""
    patch = _Patch()
    send = patch.object("udpsend 127.0.0.1", wiring.port, at=(400, 20), ends=(1, 0))
    receive = patch.object("udpreceive", wiring.told_at, at=(590, 20))
    start = patch.object("loadbang", at=(20, 20), ends=(1, 1))
    join = patch.box("message", (210, 20), (2, 1), text=f"/companion/subscribe {wiring.told_at}")
    patch.connect(start, join)
    patch.connect(join, send)
    for number, panel in enumerate(panels):
        _panel(patch, panel, 20 + COLUMN * number, send, receive)
    rows = max(len(panel.knobs) + len(panel.news) for panel in panels) + 6
    size = 40 + COLUMN * len(panels), 60 + ROW * rows
    return json.dumps({"patcher": patch.content(size)}, indent=1).encode()


def _panel(patch: _Patch, panel: Panel, x: int, send: str, receive: str) -> None:
    y = 60
    patch.box("comment", (x, y), (1, 0), text=panel.title)
    told: list[tuple[str, list[str]]] = []  # addresses, and who is led what comes there
    for knob in panel.knobs:
        y += ROW
        patch.box("comment", (x, y), (1, 0), text=short(knob))
        told += _knob(patch, knob, (x + LABEL, y), send)
    for news in panel.news:
        if news.types in ("f", "i"):
            y += ROW
            patch.box("comment", (x, y), (1, 0), text=short(news))
            told.append((news.address, [patch.box("flonum", (x + LABEL, y), (1, 2))]))
    addresses = [address for address, _ in told]
    ends = len(told) + 1, len(told) + 1
    route = patch.object("route", *addresses, at=(x, y + 2 * ROW), ends=ends, width=COLUMN - 40)
    patch.connect(receive, route)
    for outlet, (_, shown) in enumerate(told):
        for each in shown:
            patch.connect(route, each, outlet)


def _knob(
    patch: _Patch, knob: Place, at: tuple[int, int], send: str
) -> list[tuple[str, list[str]]]:
    """A knob's boxes, wired to what sends; who is to be led what comes for it, by address."""
    number, wires = (at[0] + 170, at[1]), (at[0] + WIRES - LABEL, at[1])
    if knob.types == "I":
        button = patch.box("button", at, (1, 1))
        message = patch.box("message", wires, (2, 1), text=knob.address, hidden=1)
        patch.connect(button, message)
        patch.connect(message, send)
        return []
    if knob.types == "T":
        control, address, setting = patch.box("toggle", at, (1, 1)), knob.address, "set"
    elif knob.types == "s":
        items = [part for choice in knob.choices for part in (choice, ",")][:-1]
        control = patch.box("umenu", at, (1, 3), items=items)
        address, setting = knob.address, "setsymbol"
    else:
        control, address, setting = patch.box("slider", at, (1, 1), **SLIDER), twin(knob), "set"
    out = patch.object("prepend", address, at=wires)
    patch.connect(control, out)
    patch.connect(out, send)
    shown = patch.object("prepend", setting, at=(wires[0] + 180, wires[1]), width=100)
    patch.connect(shown, control)
    found = [(address, [shown])]
    if address != knob.address:
        found.append((knob.address, [patch.box("flonum", number, (1, 2))]))
    return found


class _Patch:
    """Boxes and lines."""

    def __init__(self) -> None:
        self._boxes: list[dict[str, Any]] = []
        self._lines: list[dict[str, Any]] = []

    def object(
        self,
        *words: object,
        at: tuple[int, int],
        ends: tuple[int, int] = (1, 1),
        width: int = 170,
    ) -> str:
        """Add an object by its text; its id. `ends` are how many inlets and outlets it has."""
        text = " ".join(map(str, words))
        return self.box("newobj", at, ends, width, text=text, hidden=1)

    def box(
        self,
        kind: str,
        at: tuple[int, int],
        ends: tuple[int, int],
        width: int | None = None,
        **more: Any,
    ) -> str:
        """Add a box of a kind; its id."""
        name = f"obj-{len(self._boxes) + 1}"
        wide = WIDTHS.get(kind, 20) if width is None else width
        box = {
            "id": name,
            "maxclass": kind,
            "numinlets": ends[0],
            "numoutlets": ends[1],
            "outlettype": [""] * ends[1],
            "patching_rect": [*map(float, (*at, wide)), 20.0],
            **more,
        }
        self._boxes.append({"box": box})
        return name

    def connect(self, source: str, target: str, outlet: int = 0) -> None:
        line = {"source": [source, outlet], "destination": [target, 0], "hidden": 1}
        self._lines.append({"patchline": line})

    def content(self, size: tuple[int, int]) -> dict[str, Any]:
        return {
            "fileversion": 1,
            "appversion": {
                **{"major": 8, "minor": 6, "revision": 0, "architecture": "x64"},
                "modernui": 1,
            },
            "classnamespace": "box",
            "rect": [40.0, 80.0, *map(float, size)],
            "boxes": self._boxes,
            "lines": self._lines,
        }
