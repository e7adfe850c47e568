"""`companion layouts`: every control surface of a preset, in one folder."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from companion.control.preset import Preset
from companion.layouts.how_to import how_to
from companion.layouts.max_patch import max_patch
from companion.layouts.open_stage_control import open_stage_control_session
from companion.layouts.panel import Panel, Wiring, panels
from companion.layouts.pure_data import pure_data_patch
from companion.layouts.touch_designer import touch_designer_table
from companion.layouts.touch_osc import touch_osc_layout
from companion.system.errors import CompanionError
from companion.system.whole import new_folder

Surface = Callable[[Sequence[Panel], Wiring], bytes]
SURFACES: dict[str, tuple[str, Surface]] = {
    "pure_data": ("companion.pd", pure_data_patch),
    "max": ("companion.maxpat", max_patch),
    "open_stage_control": ("open-stage-control.json", open_stage_control_session),
    "touch_osc": ("companion.tosc", touch_osc_layout),
    "touch_designer": ("touchdesigner.tsv", touch_designer_table),
}
"""Each with its file and who makes it. The first is told at the port behind the companion's."""
HOW_TO = "how-to.md"
LAST_PORT = 65535


def write_layouts(preset: Preset, folder: Path) -> list[Path]:
    """Write the surfaces for a preset's players, and how each is opened; the files.

    Raises:
        CompanionError: the preset has no OSC at a port of its own, a file is there already, or the
            folder cannot be written.
    """
    if preset.osc is None or preset.osc.port == 0:
        raise CompanionError(
            f"preset {preset.name} has no port for OSC; valid: a line osc: {{port: 9000}}"
        )
    port = preset.osc.port
    step = 1 if port + len(SURFACES) <= LAST_PORT else -1
    told = {surface: port + step * number for number, surface in enumerate(SURFACES, 1)}
    players = [player.name for player in preset.players]
    shown = panels(players)
    files = {surface: name for surface, (name, _) in SURFACES.items()}
    contents = {
        name: make(shown, Wiring(port, told[surface])) for surface, (name, make) in SURFACES.items()
    }
    contents[HOW_TO] = how_to(preset.name, players[0], port, files, told)
    with new_folder(folder, contents) as made:
        for name, content in contents.items():
            (made / name).write_bytes(content)
    return [folder / name for name in contents]
