"""Controller files: what the controls of one device turn, in any rig that names the file.

A player is named there, or given by its number; what a rig has no player for is left out of it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from pathlib import Path

from companion.control.midi_mapping import MAPPING_KEYS, MidiMapping, read_mapping
from companion.control.store import ALL
from companion.control.yaml_section import Section
from companion.control.yaml_text import read_yaml
from companion.system.config import config_folder
from companion.system.errors import CompanionError, nearest

CONTROLLER_KEYS = ("device", "feedback", "map")
FOLDER = "controllers"
LEARNED = "learned.yaml"
MOST_MAPPINGS = 1024
MOST_PLAYERS = 64


@cache
def bundled_controllers() -> tuple[str, ...]:
    """Names of the controller files that come with the companion."""
    files = resources.files("companion.presets").joinpath(FOLDER).iterdir()
    return tuple(sorted(f.name.removesuffix(".yaml") for f in files if f.name.endswith(".yaml")))


def learned_file() -> Path:
    """Where mappings are kept that were learnt while a bundled preset played."""
    return config_folder() / LEARNED


def load_controller(name: str, folder: Path, players: Sequence[str]) -> tuple[MidiMapping, ...]:
    """The mappings of a controller file, for a rig.

    Args:
        name: of a bundled one, or the path of a YAML file.
        folder: where a path begins that is not absolute.
        players: of the rig.

    Raises:
        CompanionError: there is no such file, or it is no controller's.
    """
    if name in bundled_controllers():
        file = resources.files("companion.presets").joinpath(FOLDER, f"{name}.yaml")
        return parse_controller(file.read_text(encoding="utf-8"), name, players)
    path = folder / name
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        bundled = bundled_controllers()
        raise CompanionError(
            f"there is no controller {name!r}{nearest(name, bundled)}; "
            f"valid: {', '.join(bundled)}, or a YAML file"
        ) from error
    except (OSError, UnicodeDecodeError) as error:
        raise CompanionError(f"controller {path} cannot be read ({error}); valid: YAML") from error
    return parse_controller(text, str(path), players)


def parse_controller(text: str, file: str, players: Sequence[str]) -> tuple[MidiMapping, ...]:
    """The mappings of a controller's YAML for a rig; `file` is what messages call it."""
    content = read_yaml(text, f"controller {file}")
    top = Section(content, file, CONTROLLER_KEYS, what="controller")
    items = read_items(top, "map", players, file)
    return tuple(mapping for mapping in items if mapping is not None)


def read_items(
    top: Section, key: str, players: Sequence[str], origin: str = ""
) -> list[MidiMapping | None]:
    """The mappings in a list, in its order; None for those of players that the rig has not.

    Args:
        top: where the list is, and what goes for all of it: device and feedback.
        key: of the list.
        players: of the rig.
        origin: of the mappings; empty for the preset's own.
    """
    device = feedback = None
    if origin:
        device, feedback = top.take("device", str, None), top.take("feedback", bool, False)
    items = top.each(key, MAPPING_KEYS)
    if len(items) > MOST_MAPPINGS:
        raise top.wrong(key, top.content[key], f"up to {MOST_MAPPINGS} of them")
    found: list[MidiMapping | None] = []
    for item in items:
        player = item.content.get("player")
        if not origin or player is None or player == ALL:
            mapping = read_mapping(item, players)
        else:
            number = player if isinstance(player, int) and not isinstance(player, bool) else None
            if number is not None and not 1 <= number <= MOST_PLAYERS:
                raise item.wrong("player", player, f"a name, *, or 1 to {MOST_PLAYERS}")
            known = dict(enumerate(players, 1))
            name = str(player) if number is None else known.get(number, "")
            item.content = {**item.content, "player": name}
            mapping = read_mapping(item, (*players, name))
            if name not in players:
                found.append(None)
                continue
        found.append(_of(mapping, item, device, feedback, origin))
    return found


def _of(
    mapping: MidiMapping, item: Section, device: str | None, feedback: bool | None, origin: str
) -> MidiMapping:
    """With what goes for the whole file where the item does not say otherwise."""
    if mapping.device is None:
        mapping = replace(mapping, device=device)
    if item.content.get("feedback") is None and feedback:
        mapping = replace(mapping, feedback=True)
    return replace(mapping, origin=origin)
