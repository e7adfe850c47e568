"""A preset as the YAML that reads as it: what a take keeps of the rig it was played on."""

from __future__ import annotations

from dataclasses import asdict, fields
from fractions import Fraction
from typing import Any

from companion.clock.meter import Meter
from companion.control.preset import Preset
from companion.control.yaml_text import write_yaml


def preset_text(preset: Preset) -> str:
    """The whole preset but its name, which is that of its file; `parse_preset` gives it back."""
    content: dict[str, Any] = {}
    for each in fields(preset):
        value = getattr(preset, each.name)
        if each.name == "players":
            content["players"] = [{"name": one.name, **one.knobs} for one in value]
        elif each.name == "midi" and value is not None:
            mappings = [_present(asdict(mapping)) for mapping in value.mappings]
            content["midi"] = {**_present(asdict(value)), "map": mappings}
            del content["midi"]["mappings"]
        elif each.name == "knobs":
            content.update({name: of for name, of in value.items() if name not in content})
        elif each.name != "name" and value is not None:
            content[each.name] = _plain(value)
    return write_yaml(content)


def _plain(value: Any) -> Any:
    if isinstance(value, Fraction):
        return int(value) if value.denominator == 1 else float(value)
    if isinstance(value, Meter):
        return value.name
    return _present(asdict(value)) if hasattr(value, "__dataclass_fields__") else value


def _present(fields_of: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in fields_of.items() if value is not None}
