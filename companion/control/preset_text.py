"""A preset as the YAML that reads as it: what a take keeps of the rig it was played on."""

from __future__ import annotations

from dataclasses import fields, is_dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

from companion.clock.meter import Meter
from companion.control.midi_mapping import MidiMapping
from companion.control.preset import Preset
from companion.control.yaml_text import write_yaml


def preset_text(preset: Preset) -> str:
    """The whole preset but its name, which is that of its file; `parse_preset` gives it back."""
    content = _plain(preset)
    del content["name"]
    return write_yaml(content)


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, Meter):
        return value.name
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, MidiMapping):
        return value.content()
    if isinstance(value, tuple):
        return [_plain(each) for each in value]
    if not is_dataclass(value):
        return value
    content = {
        each.name: _plain(getattr(value, each.name)) for each in fields(value) if each.compare
    }
    knobs = content.pop("knobs", {})
    if (recording := content.pop("recording", None)) is not None:
        content["sound"] = str(recording)
    return {key: of for key, of in (content | knobs | content).items() if of is not None}
