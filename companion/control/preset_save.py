"""The running state as a preset: the file that was opened, with every knob as it stands now.

Comments, order and whatever is no knob stay as they were written. Before it stands at its place it
is checked that what is written opens as that state.

*Threading*: any thread may call; it reads and writes files.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path

from ruamel.yaml.comments import CommentedMap, CommentedSeq

from companion.control.parameters import PARAMETERS, Scope, Value
from companion.control.preset import RIG_KNOBS, Preset, bundled_presets, load_preset, parse_preset
from companion.control.preset_text import preset_text
from companion.control.store import ParameterStore, Snapshot
from companion.control.yaml_edit import Edit, add, one_edit, text_of, write
from companion.system.errors import CompanionError, shown

NAME = re.compile(r"\w(?:[\w -]{0,46}[\w-])?")
"""Of a preset that is saved: no part of a path, no name that a disk does not take."""
NO_FILES = re.compile(r"(?i)con|prn|aux|nul|(com|lpt)\d")
"""Names that are devices to Windows."""
SUFFIX = ".yaml"
_TOP = ("meter", "bars", "count_in_bars", "chords", *RIG_KNOBS)


class AlreadyThere(CompanionError):
    """There is a preset of that name, and nobody said that it may be written over."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How a rig stands."""

    rig: Snapshot
    players: Mapping[str, Snapshot]  # by name
    chords: str | tuple[str, ...] | None  # the chart as it is written


def standing(
    store: ParameterStore, chords: str | tuple[str, ...] | None, mutes: Mapping[str, bool]
) -> Standing:
    """How it stands now, but with these players muted."""
    players = {name: {**store.snapshot(name), "mute": mutes[name]} for name in store.players}
    return Standing(dict(store.snapshot()), players, chords)


def saved_name(name: str) -> str:
    """The name of a preset to be saved, without the file's ending; CompanionError if it is none."""
    plain = name.strip().removesuffix(SUFFIX)
    if not NAME.fullmatch(plain) or NO_FILES.fullmatch(plain):
        raise CompanionError(
            f"name is {shown(name)}; valid: up to 48 letters, digits, spaces, _ and -"
        )
    return plain


def save_preset(preset: Preset, stands: Standing, path: Path, over: bool) -> None:
    """Write the state down, whole or not at all.

    Args:
        preset: the one that was opened; its file's text is kept around the knobs.
        stands: how its rig stands.
        path: where, in the folder of the preset's file if it has one.
        over: whether a preset that is there may be written over.

    Raises:
        AlreadyThere: it is there and may not be.
        CompanionError: what is there is no preset, or the file cannot be written, or the state not
            be kept in it.
    """
    if path.stem in bundled_presets() and path != preset.file:
        raise CompanionError(f"{path.stem} is a preset that comes along; valid: another name")
    with one_edit:
        if os.path.lexists(path):
            if not over:
                raise AlreadyThere(f"{path.name} is there already; valid: another name, or over it")
            _check_preset(path)
        text = _original(preset)
        edit = Edit(text, path)
        _stand(edit.content, stands, parse_preset(text, str(path)))
        changed = edit.changed() or text
        _check(changed, stands, path)
        write(path, changed)


def _original(preset: Preset) -> str:
    """The text that was opened; where there is none any more, one that says the same."""
    if preset.file is not None and (text := text_of(preset.file)):
        return text
    if preset.name in bundled_presets():
        file = resources.files("companion.presets").joinpath(f"{preset.name}{SUFFIX}")
        text = file.read_text(encoding="utf-8")
        if parse_preset(text, preset.name).players == preset.players:
            return text
    return preset_text(replace(preset, bars=None))


def _check_preset(path: Path) -> None:
    try:
        load_preset(str(path))
    except CompanionError as error:
        raise CompanionError(
            f"{path.name} is no preset, and stays as it is; valid: another name"
        ) from error


def _stand(content: CommentedMap, stands: Standing, written: Preset) -> None:
    """Have a text say how the rig stands; `written` is what it says now."""
    names = [player.name for player in written.players]
    if names != list(stands.players):
        raise CompanionError(
            f"the file's players are {', '.join(names)} by now; "
            f"valid: {', '.join(stands.players)}, as when it was opened"
        )
    if stands.chords != written.chords:
        _put(content, "chords", _chart(stands.chords), _last_plain(content, _TOP))
    store = written.store()
    rig = {**store.snapshot()}
    for name, value in _moved("rig", stands.rig, rig):
        _put(content, name, value, _last_plain(content, _TOP))
    if "cycle" in content and "find_cycle" not in content and stands.rig["find_cycle"]:
        add(content, "find_cycle", True, "cycle")  # else the cycle would be kept
    for number, (player, values) in enumerate(stands.players.items()):
        section = content["players"][number]
        for name, value in _moved("player", values, store.snapshot(player)):
            _put(section, name, value, _last_plain(section, section))


def _moved(scope: Scope, now: Snapshot, before: Snapshot) -> list[tuple[str, Value]]:
    """Knobs that stand elsewhere, as they are written."""
    return [
        (knob.name, _plain(now[knob.name]))
        for knob in PARAMETERS
        if knob.scope == scope and knob.kind != "trigger" and now[knob.name] != before[knob.name]
    ]


def _plain(value: Value) -> Value:
    """A whole number is written as one."""
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _chart(chords: str | tuple[str, ...] | None) -> str | CommentedSeq | None:
    if not isinstance(chords, tuple):
        return chords
    made = CommentedSeq(chords)
    made.fa.set_flow_style()
    return made


def _put(content: CommentedMap, key: str, value: object, after: str | None) -> None:
    if key in content:
        content[key] = value
    else:
        add(content, key, value, after)


def _last_plain(content: CommentedMap, keys: tuple[str, ...] | CommentedMap) -> str | None:
    """The last key of a mapping, of these, that has a plain value."""
    plain = (key for key in content if key in keys and not isinstance(content[key], (dict, list)))
    return next(reversed(list(plain)), None)


def _check(text: str, stands: Standing, path: Path) -> None:
    """CompanionError where a text would not open as this state."""
    opened = parse_preset(text, str(path))
    store = opened.store()
    again = Standing(store.snapshot(), {n: store.snapshot(n) for n in store.players}, opened.chords)
    if again != stands:
        raise CompanionError(f"{path.name} cannot keep how the rig stands; valid: simpler YAML")
