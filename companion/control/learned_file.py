"""Mappings go to the files they belong to: a preset's own, or that of a controller.

What is mapped no more is taken out, what is new is added at the end, and everything else stays as
it was written.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import Any

from ruamel.yaml.comments import CommentedMap

from companion.control.controller import CONTROLLER_KEYS, read_items
from companion.control.midi_mapping import WRITTEN_OUT, MidiMapping
from companion.control.preset import MIDI_KEYS, Preset
from companion.control.yaml_edit import below, drop, edited, item
from companion.control.yaml_section import Section
from companion.control.yaml_text import read_yaml
from companion.system.errors import CompanionError, disk_message


def keep_mappings(
    preset: Preset,
    mappings: Sequence[MidiMapping],
    gone: Collection[MidiMapping],
    controllers: Collection[Path],
) -> None:
    """Write what is mapped now.

    Args:
        preset: with the file of those that have no origin; it may have none.
        mappings: all there are.
        gone: those that were and are not any more; others that a file has by now stay in it.
        controllers: files of the others that may have to be changed.

    Raises:
        CompanionError: a file cannot be read or written.
    """
    players = [player.name for player in preset.players]
    if preset.file is not None:
        own = [mapping for mapping in mappings if mapping.origin in ("", WRITTEN_OUT)]
        with edited(preset.file) as content:
            if own or "midi" in content:
                said = _content(preset.file).get("midi") or {}
                section = Section(said, str(preset.file), MIDI_KEYS, "midi.")
                _change(below(content, "midi"), section, own, gone, players)
    for path in controllers:
        theirs = [mapping for mapping in mappings if mapping.origin == str(path)]
        _make_folder(path.parent)
        with edited(path) as content:
            section = Section(_content(path), str(path), CONTROLLER_KEYS, what="controller")
            _change(content, section, theirs, gone, players, str(path))


def _change(
    content: CommentedMap,
    said: Section,
    wanted: Sequence[MidiMapping],
    gone: Collection[MidiMapping],
    players: Sequence[str],
    origin: str = "",
) -> None:
    """Have the lists of a section say what is wanted; `said` is what they say now."""
    missing = list(wanted)
    for key in ("map",) if origin else ("map", "learned"):
        there = read_items(said, key, players, origin)
        for number in reversed(range(len(there))):
            mapping = there[number]
            if mapping is None:  # of a player that this rig has not
                continue
            if mapping in missing:
                missing.remove(mapping)
            elif mapping in gone:
                drop(content, key, number)
    for mapping in missing:
        key = "map" if origin or mapping.origin == WRITTEN_OUT else "learned"
        if not content.get(key):
            content[key] = []
        content[key].append(item(_item(mapping, said)))


def _item(mapping: MidiMapping, said: Section) -> dict[str, Any]:
    """A mapping's keys without those that go for its whole file."""
    common = {key: said.content.get(key) for key in ("device", "feedback")}
    content = mapping.content()
    return {key: value for key, value in content.items() if common.get(key) != value}


def _content(path: Path) -> Any:
    """What the file says to our own reader."""
    return read_yaml(path.read_text("utf-8"), str(path)) or {} if path.exists() else {}


def _make_folder(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise CompanionError(disk_message(folder, error)) from error
