"""Presets over OSC: `/companion/preset NAME` or `NUMBER` switches on the next bar line.

*Threading*: it is done in OSC's own thread; a `SetList` may be told from any.
"""

from __future__ import annotations

from collections.abc import Hashable
from typing import Any

from companion.control.osc import OscKnobs
from companion.session.set_list import SetList
from companion.system.errors import CompanionError, shown


def add_presets(server: OscKnobs, set_list: SetList) -> None:
    """Have a server switch presets."""

    def choose(arguments: tuple[Any, ...], _: Hashable) -> None:
        if len(arguments) != 1:
            raise CompanionError(f"{len(arguments)} values; valid: a preset's name or number")
        (which,) = arguments
        if isinstance(which, float) and which.is_integer():
            which = int(which)
        if isinstance(which, bool) or not isinstance(which, (str, int)):
            raise CompanionError(f"preset is {shown(which)}; valid: a name or a whole number")
        set_list.switch(which)

    server.on("preset", choose)
