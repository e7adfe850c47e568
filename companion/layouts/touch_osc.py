"""A layout for TouchOSC (2021 or later): a `.tosc`, which is XML compressed by zlib.

Each panel is a page. Faders go from 0 to 1; a choice is a row of buttons where it has few texts,
and a fader over its texts where it has many.
"""

from __future__ import annotations

import uuid
import zlib
from collections.abc import Sequence
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from companion.control.osc_tree import Place
from companion.layouts.panel import Panel, Wiring, short, twin

WIDTH, HEIGHT, BAR = 1024, 768, 48
COLUMNS, LABEL, GAP = 3, 130, 8
MOST_BUTTONS = 5
COLOURS = {"knob": (0.2, 0.7, 0.9), "news": (0.5, 0.8, 0.4), "label": (0.1, 0.1, 0.1)}
_NAMES = uuid.UUID("6e2f5c1e-6d0b-4a53-9f0e-6a8a3f0d9a11")


def touch_osc_layout(panels: Sequence[Panel], wiring: Wiring) -> bytes:
    """The layout, as its file; where it sends to, and listens, is set in the app."""
    root = Element("lexml", version="3")
    top = _node(root, "GROUP", "companion", (0, 0, WIDTH, HEIGHT))
    ask = f"function init()\n  sendOSC('/companion/subscribe', {wiring.told_at})\nend"
    _property(top, "s", "script", ask)
    pager = _node(_children(top), "PAGER", "players", (0, 0, WIDTH, HEIGHT))
    _property(pager, "i", "tabbarSize", BAR)
    pages = _children(pager)
    for panel in panels:
        page = _node(pages, "GROUP", panel.title, (0, BAR, WIDTH, HEIGHT - BAR))
        _property(page, "s", "tabLabel", panel.title)
        _fill(_children(page), panel)
    return zlib.compress(ElementTree.tostring(root, encoding="UTF-8"))


def _fill(page: Element, panel: Panel) -> None:
    shown = [*panel.knobs, *(p for p in panel.news if p.types in ("f", "i") and _steady(p))]
    rows = -(-len(shown) // COLUMNS)
    height = (HEIGHT - BAR - GAP) // rows - GAP
    column = WIDTH // COLUMNS
    for number, place in enumerate(shown):
        x = GAP + column * (number // rows)
        y = GAP + (height + GAP) * (number % rows)
        label = _node(page, "LABEL", f"{place.address} label", (x, y, LABEL, height), "label")
        _value(label, "text", short(place))
        where = (x + LABEL + GAP, y, column - LABEL - 3 * GAP, height)
        _control(page, place, where)


def _steady(news: Place) -> bool:
    """Whether it goes from 0 to 1, as a fader does."""
    return news.types == "f" and (news.ranges[0] is not None or "meter" in news.address)


def _control(page: Element, place: Place, where: tuple[int, int, int, int]) -> None:
    if place.knob is None:
        fader = _node(page, "FADER", place.address, where, "news")
        _property(fader, "b", "interactive", 0)
        _property(fader, "i", "orientation", 1)
        _value(fader, "x", "0")
        _message(fader, place.address, send=False)
    elif place.types in ("I", "T"):
        button = _node(page, "BUTTON", place.address, where, "knob")
        _property(button, "i", "buttonType", 0 if place.types == "I" else 2)  # momentary, toggle
        _value(button, "x", "0")
        _message(button, place.address)
    elif place.types == "s" and len(place.choices) <= MOST_BUTTONS:
        radio = _node(page, "RADIO", place.address, where, "knob")
        _property(radio, "i", "steps", len(place.choices))
        _property(radio, "i", "orientation", 1)
        _value(radio, "x", "0")
        # The radio counts from 0, the address goes from 0 to 1.
        _message(radio, twin(place), most=1 / max(1, len(place.choices) - 1))
    else:
        fader = _node(page, "FADER", place.address, where, "knob")
        _property(fader, "i", "orientation", 1)
        _value(fader, "x", "0")
        _message(fader, twin(place))


def _node(
    parent: Element,
    kind: str,
    name: str,
    where: tuple[int, int, int, int],
    colour: str | None = None,
) -> Element:
    """A control; its id is the same each time, from its name."""
    node = SubElement(parent, "node", ID=str(uuid.uuid5(_NAMES, f"{kind} {name}")), type=kind)
    for part in ("properties", "values", "messages"):
        SubElement(node, part)
    _property(node, "s", "name", name)
    value = _property(node, "r", "frame")
    for key, number in zip("xywh", where, strict=True):
        SubElement(value, key).text = str(number)
    if colour is not None:
        value = _property(node, "c", "color")
        for key, share in zip("rgba", (*COLOURS[colour], 1.0), strict=True):
            SubElement(value, key).text = f"{share:g}"
    return node


def _children(node: Element) -> Element:
    return SubElement(node, "children")


def _property(node: Element, kind: str, key: str, value: object = None) -> Element:
    """Add a property; the element of its value."""
    properties = node.find("properties")
    assert properties is not None
    found = SubElement(properties, "property", type=kind)
    SubElement(found, "key").text = key
    content = SubElement(found, "value")
    if value is not None:
        content.text = str(value)
    return content


def _value(node: Element, key: str, default: str) -> None:
    """Give the control a value, with where it starts."""
    values = node.find("values")
    assert values is not None
    found = SubElement(values, "value")
    parts = (("key", key), ("locked", "0"), ("lockedDefaultCurrent", "0"), ("default", default))
    for part, text in (*parts, ("defaultPull", "0")):
        SubElement(found, part).text = text


def _message(node: Element, address: str, send: bool = True, most: float = 1.0) -> None:
    """Tie the control's value to an address; it is `most` where the value is 1."""
    messages = node.find("messages")
    assert messages is not None
    osc = SubElement(messages, "osc")
    for part, on in (("enabled", 1), ("send", int(send)), ("receive", 1), ("feedback", 0)):
        SubElement(osc, part).text = str(on)
    SubElement(osc, "connections").text = "00001"
    trigger = SubElement(SubElement(osc, "triggers"), "trigger")
    SubElement(trigger, "var").text = "x"
    SubElement(trigger, "condition").text = "ANY"
    _partial(SubElement(osc, "path"), "CONSTANT", "STRING", address, 1.0)
    _partial(SubElement(osc, "arguments"), "VALUE", "FLOAT", "x", most)


def _partial(parent: Element, kind: str, conversion: str, value: str, most: float) -> None:
    partial = SubElement(parent, "partial")
    parts = (("type", kind), ("conversion", conversion), ("value", value), ("scaleMin", "0"))
    for part, text in (*parts, ("scaleMax", f"{most:.6g}")):
        SubElement(partial, part).text = text
