"""What is made for the guide, by the name that a page asks for it with."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from guide.commands import commands
from guide.errors import errors
from guide.findings import findings
from guide.knobs import player_knobs, rig_knobs
from guide.osc import osc_commands, osc_knobs, osc_news
from guide.presets import controllers, presets
from guide.trouble import troubles

TABLES: Mapping[str, Callable[[], str]] = {
    "player-knobs": player_knobs,
    "rig-knobs": rig_knobs,
    "osc-knobs": osc_knobs,
    "osc-commands": osc_commands,
    "osc-news": osc_news,
    "commands": commands,
    "presets": presets,
    "controllers": controllers,
    "troubles": troubles,
    "findings": findings,
    "errors": errors,
}
"""Each gives Markdown; what it is made from is read when it is called."""
