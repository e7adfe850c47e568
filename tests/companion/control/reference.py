"""The reference of all knobs, as the README has it."""

from __future__ import annotations

from companion.control.parameters import PARAMETERS


def reference() -> str:
    """The table as Markdown, for people."""
    lines = [
        "| knob | of | values | default | MIDI CC | acts | what it does |",
        "|---|---|---|---|---|---|---|",
    ]
    for knob in PARAMETERS:
        values = f"{len(knob.choices)} choices" if len(knob.choices) > 4 else knob.valid
        default = f"{knob.default:g}" if isinstance(knob.default, float) else str(knob.default)
        default = {"True": "on", "False": "off"}.get(default, default)
        cc = "" if knob.cc is None else str(knob.cc)
        cells = (f"`{knob.name}`", knob.scope, values, default, cc, knob.acts, knob.description)
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"
