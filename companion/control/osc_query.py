"""OSCQuery: what addresses there are, as JSON, for programs that find every knob by themselves.

See github.com/Vidvox/OSCQueryProposal. `answer` is HTTP's part without a server: a node of the tree
with all that is below it, one of its attributes, or `HOST_INFO`.

*Threading*: any thread may call anything.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from companion.control.osc_latest import Latest
from companion.control.osc_packet import Argument
from companion.control.osc_tree import Place, places, value_at
from companion.control.store import ParameterStore

NAME = "companion"
ACCESS: Final = {"told": 1, "taken": 2, "both": 3}
UNITS: Final = {"dB": "gain.db", "BPM": "time.bpm"}
"""What the proposal calls our units; of others it knows nothing."""
ATTRIBUTES = (
    *("FULL_PATH", "CONTENTS", "DESCRIPTION", "TYPE", "ACCESS", "VALUE", "RANGE", "CLIPMODE"),
    *("UNIT", "HOST_INFO"),
)
EXTENSIONS = ("ACCESS", "VALUE", "RANGE", "DESCRIPTION", "CLIPMODE", "UNIT", "LISTEN")
Node = dict[str, Any]


class OscTree:
    """The tree of a rig's addresses, with their values as they are."""

    def __init__(self, store: ParameterStore, latest: Latest, port: int) -> None:
        """
        Args:
            store: has the knobs' values.
            latest: has what was told last at all other addresses.
            port: at which OSC is received over UDP.
        """
        self._store, self._latest, self._port = store, latest, port
        self.places = {each.address: each for each in places(store.players)}
        self._below: dict[str, list[str]] = {}  # the nodes right below each
        for address in self.places:
            parts = address.split("/")
            for depth in range(1, len(parts)):
                parent = "/".join(parts[:depth]) or "/"
                inside = self._below.setdefault(parent, [])
                if parts[depth] not in inside:
                    inside.append(parts[depth])

    def answer(self, path: str, query: str) -> tuple[int, Node | None]:
        """What a request is answered with: a status of HTTP, and JSON if there is any.

        200 with what there is; 204 for an attribute that the node has not; 400 for one that nobody
        knows; 404 where nothing is at that path.

        Args:
            path: an address, or the way to some.
            query: an attribute; empty for all of the node.
        """
        attribute = query.partition("=")[0]
        if attribute and attribute not in ATTRIBUTES:
            return 400, None
        if attribute == "HOST_INFO":
            return 200, self.host_info()
        node = self._node("/" + path.strip("/"))
        if node is None:
            return 404, None
        if not attribute:
            return 200, node
        return (200, {attribute: node[attribute]}) if attribute in node else (204, None)

    def host_info(self) -> Node:
        """Where OSC goes, and what is told of each address."""
        return {
            "NAME": NAME,
            "OSC_PORT": self._port,
            "OSC_TRANSPORT": "UDP",
            "EXTENSIONS": dict.fromkeys(EXTENSIONS, True),
        }

    def value(self, place: Place) -> tuple[Argument, ...] | None:
        """What is told at an address now; None where nothing is, or was yet."""
        if place.access == "taken":
            return None
        if place.knob is None:
            return self._latest.at(place.address)
        return (value_at(place, self._store.snapshot(place.player)[place.knob.name]),)

    def _node(self, path: str) -> Node | None:
        place, inside = self.places.get(path), self._below.get(path)
        if place is None and inside is None:
            return None
        node: Node = {"FULL_PATH": path, "ACCESS": 0}
        if place is not None:
            node |= self._described(place)
        elif path == "/":
            node["DESCRIPTION"] = "A band that listens."
        if inside is not None:
            start = path.rstrip("/")
            node["CONTENTS"] = {name: self._node(f"{start}/{name}") for name in inside}
        return node

    def _described(self, place: Place) -> Node:
        node: Node = {
            "DESCRIPTION": place.description,
            "ACCESS": ACCESS[place.access],
            "TYPE": place.types,
        }
        if place.choices:
            node["RANGE"] = [{"VALS": list(place.choices)}]
        elif any(place.ranges):
            node["RANGE"] = [{} if span is None else _span(place, span) for span in place.ranges]
            node["CLIPMODE"] = ["both" if place.access != "told" else "none"] * len(place.ranges)
        if place.unit in UNITS:
            node["UNIT"] = [UNITS[place.unit]]
        value = self.value(place)
        if value is not None:
            node["VALUE"] = [_plain(each) for each in value]
        return node


def _span(place: Place, span: tuple[float, float]) -> Mapping[str, float]:
    low, high = (int(end) if place.types == "i" else end for end in span)
    return {"MIN": low, "MAX": high}


def _plain(value: Argument) -> Argument | None:
    """A value as JSON has it, which knows no infinity."""
    return None if isinstance(value, float) and not math.isfinite(value) else value
