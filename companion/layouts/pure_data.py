"""A patch for Pure Data (vanilla, 0.51 or later).

Every knob is a slider, a toggle, a button or a row of choices. All of it is wired by name, so that
other patches can join in: `companion.bass.level` takes 0 to 1 as if the slider were moved, and
`companion.bass.level.told` gives each value that the companion tells.
"""

from __future__ import annotations

from collections.abc import Sequence

from companion.control.osc_tree import Place
from companion.layouts.panel import Panel, Wiring, short, twin

COLUMN, ROW, LABEL, WIRE_ROWS = 400, 24, 130, 60
COLOURS = "#fcfcfc #000000 #000000"


def pure_data_patch(panels: Sequence[Panel], wiring: Wiring) -> bytes:
    """The patch, as its file."""
    most = max(len(panel.knobs) + len(panel.news) for panel in panels)
    patch = _Canvas(f"#N canvas 40 40 {COLUMN * len(panels) + 40} {ROW * (most + 6)} 10;")
    patch.add(
        "#X obj 20 10 bng 17 250 50 0 companion.join companion.join.pressed connect 22 8 0 10 "
        + COLOURS
    )
    for number, panel in enumerate(panels):
        x, y = 20 + COLUMN * number, 40
        patch.add(f"#X text {x} {y} {panel.title}")
        for knob in panel.knobs:
            y += ROW
            patch.add(f"#X text {x} {y} {short(knob)}")
            for line in _control(knob, x + LABEL, y):
                patch.add(line)
        for news in panel.news:
            line = _display(news, x + LABEL, y + ROW)
            if line:
                y += ROW
                patch.add(f"#X text {x} {y} {short(news)}")
                patch.add(line)
    patch.put(_wires(panels, wiring))
    return patch.text().encode()


def _name(place: Place) -> str:
    return place.address.strip("/").replace("/", ".")


def _control(knob: Place, x: int, y: int) -> list[str]:
    name = _name(knob)
    ends = f"{name}.turned {name} empty"
    if knob.types == "I":
        return [f"#X obj {x} {y} bng 17 250 50 0 {ends} 0 -8 0 10 {COLOURS}"]
    if knob.types == "T":
        return [f"#X obj {x} {y} tgl 17 0 {ends} 0 -8 0 10 {COLOURS} 0 1"]
    if knob.types == "s":
        size = 9 if len(knob.choices) > 8 else 15
        return [
            f"#X obj {x} {y} hradio {size} 1 0 {len(knob.choices)} {ends} 0 -8 0 10 {COLOURS} 0",
            f"#X symbolatom {x + 170} {y} 14 0 0 0 - {name}.told - 0",
        ]
    return [
        f"#X obj {x} {y} hsl 160 15 0 1 0 0 {ends} -2 -8 0 10 {COLOURS} 0 1",
        f"#X floatatom {x + 170} {y} 7 0 0 0 - {name}.told - 0",
    ]


def _display(news: Place, x: int, y: int) -> str:
    """How one value is shown; nothing for several, for text, and for what answers a message."""
    told = f"{_name(news)}.told"
    if news.types == "f" and (news.ranges[0] or "meter" in news.address):
        return f"#X obj {x} {y} hsl 160 15 0 1 0 0 empty {told} empty -2 -8 0 10 {COLOURS} 0 1"
    if news.types in ("f", "i"):
        return f"#X floatatom {x} {y} 7 0 0 0 - {told} - 0"
    return ""


class _Canvas:
    """A canvas: lines of its file, and what is connected."""

    def __init__(self, head: str) -> None:
        self._lines, self._connects, self._count = [head], list[str](), 0

    def add(self, line: str, *after: tuple[int, int]) -> int:
        """Add an object, connected to outlets of others; its number."""
        self._lines.append(f"{line};")
        self._count += 1
        for source, outlet in after:
            self.connect(source, outlet, self._count - 1)
        return self._count - 1

    def wire(self, text: str, *after: tuple[int, int]) -> int:
        """Add an object, or a message, where there is room for it."""
        kind = "msg" if text.startswith(("set ", "connect ", "disconnect")) else "obj"
        column, row = divmod(self._count, WIRE_ROWS)
        return self.add(f"#X {kind} {20 + 260 * column} {20 + 22 * row} {text}", *after)

    def chain(self, first: int, outlet: int, *texts: str) -> int:
        """Add objects one behind the other; the number of the last."""
        at = first
        for text in texts:
            at = self.wire(text, (at, outlet))
            outlet = 0
        return at

    def connect(self, source: int, outlet: int, target: int, inlet: int = 0) -> None:
        self._connects.append(f"#X connect {source} {outlet} {target} {inlet};")

    def put(self, inner: _Canvas) -> None:
        """Add a canvas in this one."""
        self._lines += [*inner._lines, *inner._connects, "#X restore 160 10 pd wires;"]
        self._count += 1

    def text(self) -> str:
        return "\n".join([*self._lines, *self._connects]) + "\n"


def _wires(panels: Sequence[Panel], wiring: Wiring) -> _Canvas:
    wires = _Canvas("#N canvas 80 80 900 700 wires 0;")
    _connection(wires, wiring)
    knobs = {knob.address: knob for panel in panels for knob in panel.knobs}
    for knob in knobs.values():
        at = wires.wire(f"r {_name(knob)}.turned")
        # A button and a choice go to the plain address, as they are; a slider goes from 0 to 1.
        address = knob.address if knob.types in ("I", "T", "s") else twin(knob)
        wires.chain(at, 0, f"oscformat {' '.join(address.split('/')[1:])}", "s companion.out")
    tree: _Tree = {}
    for panel in panels:
        for place in (*panel.knobs, *panel.news):
            if place.types != "I":
                node = tree
                for part in place.address.split("/")[2:]:
                    node = node.setdefault(part, {})
    at = wires.wire(f"netreceive -u -b {wiring.told_at}")
    at = wires.chain(at, 0, "oscparse", "list trim", "route companion")
    _spread(wires, at, 0, tree, "/companion", knobs)
    wires.chain(wires.wire("r companion.error.told"), 0, "print companion")
    return wires


_Tree = dict[str, "_Tree"]


def _connection(wires: _Canvas, wiring: Wiring) -> None:
    """Connects and subscribes when the patch is opened, and at the button."""
    again = wires.wire("r companion.join.pressed")
    start = wires.wire("loadbang")
    steps = wires.wire("t b b b", (again, 0), (start, 0))
    out = wires.wire("r companion.out")
    sends = wires.chain(out, 0, "list prepend send", "list trim", "netsend -u -b")
    leave = wires.wire("disconnect", (steps, 2))
    wires.connect(leave, 0, sends)
    join = wires.wire(f"connect 127.0.0.1 {wiring.port}", (steps, 1))
    wires.connect(join, 0, sends)
    wires.chain(steps, 0, f"f {wiring.told_at}", "oscformat companion subscribe", "s companion.out")


def _spread(
    wires: _Canvas, at: int, outlet: int, tree: _Tree, address: str, knobs: dict[str, Place]
) -> None:
    """Lead what comes for an address to those below it, and the rest to who shows it."""
    # Pure Data reads a name that is a number as a number, which no address is: left out.
    names = [name for name in tree if not _numeric(name)]
    at = wires.chain(at, outlet, f"route {' '.join(names)}")
    for first, name in enumerate(names):
        _deliver(wires, at, first, f"{address}/{name}", tree[name], knobs)
    if address == "/companion/beat":  # which is told itself, too
        _show(wires, at, len(names), address, knobs)


def _deliver(
    wires: _Canvas, at: int, outlet: int, address: str, tree: _Tree, knobs: dict[str, Place]
) -> None:
    knob = knobs.get(address)
    if knob is not None:
        route = wires.chain(at, outlet, "route normalised")
        name = _name(knob)
        if knob.types == "s":
            steps = (f"* {max(1, len(knob.choices) - 1)}", "+ 0.5", "i")
            wires.chain(route, 0, *steps, "set \\$1", f"s {name}")
        elif knob.types != "T":
            wires.chain(route, 0, "set \\$1", f"s {name}")
        _show(wires, route, 1, address, knobs)
    elif tree:
        _spread(wires, at, outlet, tree, address, knobs)
    else:
        _show(wires, at, outlet, address, knobs)


def _show(wires: _Canvas, at: int, outlet: int, address: str, knobs: dict[str, Place]) -> None:
    name, knob = address.strip("/").replace("/", "."), knobs.get(address)
    if knob is not None and knob.types == "s":
        wires.chain(at, outlet, "symbol", f"s {name}.told")
        return
    wires.chain(at, outlet, f"s {name}.told")
    if knob is not None and knob.types == "T":
        wires.chain(at, outlet, "set \\$1", f"s {name}")


def _numeric(name: str) -> bool:
    try:
        float(name)
    except ValueError:
        return False
    return True
