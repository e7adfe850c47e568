"""The presets and controller files that come with it, and what each says of itself."""

from __future__ import annotations

from importlib import resources

from companion.control.controller import bundled_controllers
from companion.control.preset import bundled_presets, load_preset
from guide.markdown import code, plain, table


def presets() -> str:
    """Each preset: its players, its tempo, and its first comment."""
    rows = []
    for name in bundled_presets():
        preset = load_preset(name)
        players = ", ".join(player.name for player in preset.players)
        about = _first_comment("companion.presets", f"{name}.yaml")
        rows.append((code(name), players, f"{float(preset.bpm):g}", plain(about)))
    return table(("preset", "who plays", "BPM", "what it is for"), rows)


def controllers() -> str:
    """Each controller file, and its first comment."""
    rows = (
        (code(name), plain(_first_comment("companion.presets", "controllers", f"{name}.yaml")))
        for name in bundled_controllers()
    )
    return table(("file", "what to know"), rows)


def _first_comment(package: str, *path: str) -> str:
    """The comment that a YAML file begins with, without its marks."""
    text = resources.files(package).joinpath(*path).read_text(encoding="utf-8")
    lines = []
    for line in text.splitlines():
        if not line.startswith("#"):
            break
        lines.append(line.removeprefix("#").strip())
    return " ".join(lines)
