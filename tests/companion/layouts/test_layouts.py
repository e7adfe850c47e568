"""Control surfaces: each is what its program's format asks for, and has every knob."""

from __future__ import annotations

import csv
import json
import re
import subprocess
import sys
import zlib
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import py2max
import pytest
import tosclib
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.control.osc_tree import Place, places
from companion.control.preset import OscPreset, PlayerPreset, Preset, load_preset
from companion.layouts.layouts import HOW_TO, SURFACES, write_layouts
from companion.layouts.max_patch import max_patch
from companion.layouts.open_stage_control import open_stage_control_session
from companion.layouts.panel import Wiring, panels, twin
from companion.layouts.pure_data import pure_data_patch
from companion.layouts.touch_designer import touch_designer_table
from companion.layouts.touch_osc import touch_osc_layout
from companion.system.errors import CompanionError

PLAYERS = ("bass", "left-hand", "Überbass_2")
PANELS = panels(PLAYERS)
WIRING = Wiring(9000, 9001)
TREE = {place.address: place for place in places(PLAYERS)}
KNOBS = [place for place in TREE.values() if place.knob is not None and not place.normalised]
some_players = st.lists(
    st.from_regex(r"[\w-]{1,32}", fullmatch=True), min_size=1, max_size=3, unique=True
)


def reached(found: set[str], knob: Place) -> bool:
    """Whether a surface turns a knob, at one of its addresses."""
    return bool(found & {knob.address, twin(knob)})


class TestPureData:
    """Its files: lines that end with a semicolon; objects, counted in each canvas; connections."""

    def canvases(self, patch: bytes) -> Iterator[tuple[list[str], list[tuple[int, ...]]]]:
        """Objects and connections of each canvas, the inner ones first."""
        open_canvases: list[tuple[list[str], list[tuple[int, ...]]]] = []
        for line in patch.decode().splitlines():
            assert line.endswith(";") and line.startswith("#"), line
            words = line[:-1].split()
            if words[0] == "#N":
                open_canvases.append(([], []))
            elif words[1] == "connect":
                open_canvases[-1][1].append(tuple(map(int, words[2:])))
            elif words[1] == "restore":
                yield open_canvases.pop()
                open_canvases[-1][0].append("pd")
            else:
                assert words[1] in ("obj", "msg", "text", "floatatom", "symbolatom")
                assert all(-1 < int(number) < 10_000 for number in words[2:4])
                open_canvases[-1][0].append(" ".join(words[4:]))
        yield open_canvases.pop()
        assert not open_canvases

    def test_every_connection_is_between_objects_that_are_there(self) -> None:
        for objects, connections in self.canvases(pure_data_patch(PANELS, WIRING)):
            for source, outlet, target, inlet in connections:
                assert 0 <= source < len(objects) and 0 <= target < len(objects)
                name, *arguments = objects[source].split()
                outlets = {"route": len(arguments) + 1, "t": len(arguments)}.get(name, 1)
                assert outlet < outlets, objects[source]
                assert inlet == 0

    def test_every_knob_has_a_control_a_way_out_and_a_way_in(self) -> None:
        (wires, _), (shown, _) = self.canvases(pure_data_patch(PANELS, WIRING))
        sent = {"/" + "/".join(w.split()[1:]) for w in wires if w.startswith("oscformat")}
        for knob in KNOBS:
            name = knob.address.strip("/").replace("/", ".")
            assert reached(sent, knob)
            assert f"r {name}.turned" in wires
            (control,) = (each for each in shown if f" {name}.turned {name} " in each)
            assert control.split()[0] in ("hsl", "tgl", "bng", "hradio")
            assert ("bng" in control) or f"s {name}" in wires
            assert ("bng" in control) or f"s {name}.told" in wires

    @settings(max_examples=10, deadline=None)
    @given(some_players)
    def test_any_names_of_players_make_a_whole_patch(self, players: list[str]) -> None:
        assert len(list(self.canvases(pure_data_patch(panels(players), WIRING)))) == 2


class TestMax:
    def test_a_reader_of_its_format_finds_nothing_wrong(self, tmp_path: Path) -> None:
        file = tmp_path / "companion.maxpat"
        file.write_bytes(max_patch(PANELS, WIRING))
        assert [str(each) for each in py2max.lint(py2max.Patcher.from_file(file))] == []

    def test_every_line_is_between_boxes_that_have_such_ends(self) -> None:
        patcher = json.loads(max_patch(PANELS, WIRING))["patcher"]
        boxes = {box["box"]["id"]: box["box"] for box in patcher["boxes"]}
        assert len(boxes) == len(patcher["boxes"])
        for line in patcher["lines"]:
            (source, outlet), (target, inlet) = (
                line["patchline"][end] for end in ("source", "destination")
            )
            assert outlet < boxes[source]["numoutlets"]
            assert inlet < boxes[target]["numinlets"]
        for box in boxes.values():
            assert len(box["outlettype"]) == box["numoutlets"]
            words = box.get("text", "").split()
            if words[:1] == ["route"]:
                assert box["numoutlets"] == len(words)

    def test_every_knob_is_sent_and_shown(self) -> None:
        patcher = json.loads(max_patch(PANELS, WIRING))["patcher"]
        texts = [box["box"].get("text", "").split() for box in patcher["boxes"]]
        sent = {words[-1] for words in texts if words[:1] == ["prepend"]}
        sent |= {words[0] for words in texts if words and words[0].startswith("/")}
        told = {word for words in texts if words[:1] == ["route"] for word in words[1:]}
        assert told <= TREE.keys()
        for knob in KNOBS:
            assert reached(sent, knob)
            assert knob.types == "I" or reached(told, knob)
        assert ["/companion/subscribe", "9001"] in texts
        assert ["udpsend", "127.0.0.1", "9000"] in texts
        assert ["udpreceive", "9001"] in texts


COMMON = {
    *("type", "id", "left", "top", "width", "height", "interaction", "default", "address"),
    *("typeTags", "decimals", "target", "bypass"),
}
PROPERTIES = {
    "root": {"type", "id", "onCreate", "tabs"},
    "tab": {"type", "id", "label", "widgets"},
    "fader": COMMON | {"horizontal", "design", "range"},
    "button": COMMON | {"label", "on", "off", "mode"},
    "dropdown": COMMON | {"values"},
    "text": (COMMON - {"typeTags"}) | {"align"},
}
"""What Open Stage Control's widgets have, as far as a session of ours gives it."""


class TestOpenStageControl:
    def widgets(self, of: dict[str, Any]) -> Iterator[dict[str, Any]]:
        yield of
        for each in [*of.get("tabs", ()), *of.get("widgets", ())]:
            yield from self.widgets(each)

    def session(self) -> dict[str, Any]:
        return json.loads(open_stage_control_session(PANELS, WIRING))

    def test_it_is_a_session_of_widgets_that_there_are(self) -> None:
        session = self.session()
        assert (session["createdWith"], session["type"]) == ("Open Stage Control", "session")
        assert re.fullmatch(r"1\.\d+\.\d+", session["version"])
        widgets = list(self.widgets(session["content"]))
        for widget in widgets:
            assert widget.keys() <= PROPERTIES[widget["type"]], widget
            assert widget.get("mode", "toggle") in ("toggle", "push", "momentary", "tap")
            assert widget.get("design", "default") in ("default", "round", "compact")
        ids = [widget["id"] for widget in widgets]
        assert len(set(ids)) == len(ids)

    def test_every_knob_has_a_widget_and_no_two_lie_on_each_other(self) -> None:
        content = self.session()["content"]
        found = {w["address"] for w in self.widgets(content) if "address" in w}
        assert found <= TREE.keys()
        assert all(reached(found, knob) for knob in KNOBS)
        for tab in content["tabs"]:
            rectangles = [
                [w[k] for k in ("left", "top", "width", "height")] for w in tab["widgets"]
            ]
            assert not any(overlap(a, b) for a, b in combinations(rectangles, 2))

    def test_what_is_only_told_sends_nothing(self) -> None:
        for widget in self.widgets(self.session()["content"]):
            place = TREE.get(widget.get("address", ""))
            assert widget.get("bypass", False) is (
                widget["type"] == "text" or (place is not None and place.access == "told")
            )

    def test_its_script_asks_to_be_told(self) -> None:
        script = self.session()["content"]["onCreate"]
        assert script == "send('127.0.0.1:9000', '/companion/subscribe')"


def overlap(a: list[float], b: list[float]) -> bool:
    return all(a[i] < b[i] + b[i + 2] and b[i] < a[i] + a[i + 2] for i in (0, 1))


KINDS = {"GROUP", "PAGER", "LABEL", "FADER", "BUTTON", "RADIO"}
KEYS = {"s": str, "b": int, "i": int, "f": float}


class TestTouchOsc:
    def root(self, players: tuple[str, ...] = PLAYERS) -> ElementTree.Element:
        packed = touch_osc_layout(panels(players), WIRING)
        return ElementTree.fromstring(zlib.decompress(packed))

    def frame(self, node: ElementTree.Element) -> list[float]:
        for each in node.findall("properties/property"):
            if each.findtext("key") == "frame":
                return [float(each.findtext(f"value/{key}", "")) for key in "xywh"]
        raise AssertionError("a control without a frame")

    def test_it_is_a_tree_of_controls_with_their_parts(self) -> None:
        root = self.root()
        assert (root.tag, root.get("version"), len(root)) == ("lexml", "3", 1)
        nodes = list(root.iter("node"))
        ids = [node.get("ID", "") for node in nodes]
        assert len(set(ids)) == len(ids)
        assert all(re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", each) for each in ids)
        for node in nodes:
            assert node.get("type") in KINDS
            assert {"properties", "values", "messages"} <= {part.tag for part in node}
            for each in node.findall("properties/property"):
                kind = each.get("type", "")
                if kind in KEYS:
                    KEYS[kind](each.findtext("value", ""))
                else:
                    assert [part.tag for part in each.find("value") or ()] == {
                        "r": list("xywh"),
                        "c": list("rgba"),
                    }[kind]
            for value in node.findall("values/value"):
                parts = ["key", "locked", "lockedDefaultCurrent", "default", "defaultPull"]
                assert [part.tag for part in value] == parts

    def test_controls_lie_in_their_page_and_not_on_each_other(self) -> None:
        for node in self.root().iter("node"):
            inside = [self.frame(child) for child in node.findall("children/node")]
            _, _, width, height = self.frame(node)
            for x, y, w, h in inside:
                assert x >= 0 and y >= 0 and w > 20 and h > 10
                assert x + w <= width and y + h <= height
            if node.get("type") == "GROUP":
                assert not any(overlap(a, b) for a, b in combinations(inside, 2))

    def test_every_knob_has_a_control(self) -> None:
        found = set()
        for message in self.root().iter("osc"):
            address = message.findtext("path/partial/value", "")
            found.add(address)
            assert TREE[address].access == (
                "both" if message.findtext("send") == "1" else "told"
            ) or (TREE[address].types == "I")
            assert message.findtext("arguments/partial/conversion") == "FLOAT"
        assert all(reached(found, knob) for knob in KNOBS)

    def test_a_row_of_buttons_goes_from_0_to_1(self) -> None:
        for node in self.root().iter("node"):
            if node.get("type") == "RADIO":
                (address,) = (p.text for p in node.findall("messages/osc/path/partial/value"))
                knob = TREE[str(address)].knob
                assert knob is not None
                step = float(node.findtext("messages/osc/arguments/partial/scaleMax", ""))
                chosen = [knob.at(step * number) for number in range(len(knob.choices))]
                assert tuple(chosen) == knob.choices

    def test_a_reader_of_its_format_reads_it(self, tmp_path: Path) -> None:
        file = tmp_path / "companion.tosc"
        file.write_bytes(touch_osc_layout(PANELS, WIRING))
        top = tosclib.ElementTOSC(tosclib.load(str(file))[0])
        assert top.getPropertyValue("name").text == "companion"
        pager = tosclib.ElementTOSC(top.children[0])
        pages = [tosclib.ElementTOSC(page) for page in pager.children]
        assert [page.getPropertyValue("tabLabel").text for page in pages] == ["rig", *PLAYERS]
        fader = next(
            found
            for page in pages
            for node in page.children
            if (found := tosclib.ElementTOSC(node)).isControlType(tosclib.ControlType.FADER)
        )
        assert fader.node.findtext("messages/osc/path/partial/value") in TREE


class TestTouchDesigner:
    def rows(self) -> list[dict[str, str]]:
        text = touch_designer_table(PANELS, WIRING).decode()
        assert "\r" not in text
        return list(csv.DictReader(text.splitlines(), dialect="excel-tab"))

    def test_it_has_a_line_for_every_address_but_commands(self) -> None:
        found = {row["address"]: row for row in self.rows()}
        commands = {a for a, p in TREE.items() if p.access == "taken" and p.knob is None}
        assert found.keys() == TREE.keys() - commands
        for address, row in found.items():
            assert row["channel"] == address[1:]
            assert (
                row["direction"]
                == {"both": "both", "taken": "out", "told": "in"}[TREE[address].access]
            )

    def test_a_knobs_line_is_the_tables_row(self) -> None:
        row = next(row for row in self.rows() if row["address"] == "/companion/bass/level")
        assert [row[key] for key in ("type", "minimum", "maximum", "default", "unit", "acts")] == (
            ["float", "-60", "6", "0.0", "dB", "now"]
        )


class TestWriting:
    def test_all_of_them_are_written_with_how_each_is_opened(self, tmp_path: Path) -> None:
        written = write_layouts(load_preset("band"), tmp_path / "new" / "layouts")
        assert all(file.stat().st_size for file in written)
        names = {file.name for file in written}
        assert names == {HOW_TO, *(name for name, _ in SURFACES.values())}
        page = (tmp_path / "new" / "layouts" / HOW_TO).read_text(encoding="utf-8")
        assert all(name in page for name in names - {HOW_TO})
        assert all(str(port) in page for port in (9000, 9003, 9004, 9005))

    def test_nothing_is_written_over(self, tmp_path: Path) -> None:
        write_layouts(load_preset("bass"), tmp_path)
        with pytest.raises(CompanionError, match="is there already"):
            write_layouts(load_preset("bass"), tmp_path)

    @pytest.mark.parametrize("osc", [None, OscPreset(port=0)])
    def test_a_preset_that_hears_no_osc_is_named(
        self, osc: OscPreset | None, tmp_path: Path
    ) -> None:
        preset = Preset("quiet", (PlayerPreset("bass"),), osc=osc)
        with pytest.raises(CompanionError, match="preset quiet has no port for OSC; valid"):
            write_layouts(preset, tmp_path)

    def test_at_the_last_port_the_surfaces_are_told_below_it(self, tmp_path: Path) -> None:
        preset = Preset("high", (PlayerPreset("bass"),), osc=OscPreset(port=65535))
        write_layouts(preset, tmp_path)
        assert "netreceive -u -b 65534" in (tmp_path / "companion.pd").read_text(encoding="utf-8")


ONE_MORE = """
import sys
from pathlib import Path
from companion.control import parameters as table
knob = table.Parameter("sparkle", "number", "player", 0.5, 0.0, 2.0, "", "now", "New.", cc=90)
table.PARAMETERS += (knob,)
table.BY_NAME["sparkle"] = knob
from companion.control.osc import OscKnobs
from companion.control.osc_latest import Latest
from companion.control.osc_query import OscTree
from companion.control.preset import parse_preset
from companion.layouts.layouts import write_layouts
from guide.tables import TABLES
assert "`sparkle`" in TABLES["player-knobs"]()
assert "`/companion/PLAYER/sparkle`" in TABLES["osc-knobs"]()
preset = parse_preset("players: [{name: bass, sparkle: 1.5}]\\nmidi:\\nosc:", "it.yaml")
store = preset.store()
assert store.snapshot("bass")["sparkle"] == 1.5
assert any(each.parameter == "sparkle" and each.cc == 90 for each in preset.midi.map)
OscKnobs(store).receive("/companion/bass/sparkle/normalised", 1.0)
assert store.snapshot("bass")["sparkle"] == 2.0
status, node = OscTree(store, Latest(), 9000).answer("/companion/bass/sparkle", "")
assert status == 200 and node["VALUE"] == [2.0] and node["RANGE"] == [{"MIN": 0.0, "MAX": 2.0}]
write_layouts(preset, Path(sys.argv[1]))
"""


def test_a_knob_that_is_one_more_line_of_the_table_is_everywhere(tmp_path: Path) -> None:
    command = [sys.executable, "-c", ONE_MORE, str(tmp_path)]
    subprocess.run(command, check=True, timeout=120, cwd=Path(__file__).parents[3])
    for name, _ in SURFACES.values():
        content = (tmp_path / name).read_bytes()
        content = zlib.decompress(content) if name.endswith(".tosc") else content
        assert b"sparkle" in content, name
