"""A table of TouchDesigner's channels, for a Table DAT: a line for each address."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence

from companion.control.osc_tree import Place
from companion.layouts.panel import Panel, Wiring, twin

HEAD = (
    *("address", "channel", "direction", "type", "minimum", "maximum", "default", "choices"),
    *("unit", "acts", "description"),
)
TYPES = {"f": "float", "i": "int", "T": "toggle", "I": "pulse", "s": "menu"}


def touch_designer_table(panels: Sequence[Panel], _: Wiring) -> bytes:
    """The table, as its file: values parted by tabs, UTF-8."""
    text = io.StringIO()
    table = csv.writer(text, "excel-tab", lineterminator="\n")
    table.writerow(HEAD)
    for panel in panels:
        for place in panel.knobs:
            table.writerow(_row(place))
            if place.types != "I":
                table.writerow(_twin_row(place))
        for place in (*panel.both, *panel.news):
            table.writerow(_row(place))
    return text.getvalue().encode()


def _row(place: Place) -> list[object]:
    direction = {"both": "both", "taken": "out", "told": "in"}[place.access]  # TouchDesigner's
    kind = TYPES.get(place.types, "several" if len(place.types) > 1 else "none")
    if place.types == "s" and not place.choices:
        kind = "text"
    low, high = place.ranges[0] if place.ranges and place.ranges[0] else ("", "")
    if place.types == "T":
        low, high = 0, 1
    knob = place.knob
    default = "" if knob is None or place.types == "I" else knob.default
    return [
        place.address,
        place.address[1:],
        direction,
        kind,
        *(f"{end:g}" if isinstance(end, float) else end for end in (low, high)),
        int(default) if isinstance(default, bool) else default,
        " | ".join(place.choices),
        place.unit,
        "" if knob is None else knob.acts,
        place.description,
    ]


def _twin_row(place: Place) -> list[object]:
    assert place.knob is not None
    address = twin(place)
    position = f"{place.knob.position(place.knob.default):.5g}"
    return [
        *(address, address[1:], "both", "float", 0, 1, position, "", "", place.knob.acts),
        f"{place.description} From 0 to 1.",
    ]
