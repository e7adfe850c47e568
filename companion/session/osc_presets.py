"""Presets over OSC: `/companion/preset NAME` or `NUMBER` switches on the next bar line.

`/companion/preset/save NAME` saves how the rig stands, and is answered with
`/companion/preset/saved NAME`; with a 1 behind the name one that is there is written over.

*Threading*: it is done in OSC's own thread, but for saving, for which a thread `preset-save` lives;
a `SetList` may be told from any.
"""

from __future__ import annotations

import threading
from collections.abc import Hashable
from typing import Any

from companion.control.osc import OscKnobs
from companion.control.osc_turning import ROOT
from companion.control.preset_save import saved_name
from companion.session.set_list import SetList
from companion.system.errors import CompanionError, one_line, shown

SAVE = "preset/save"


def add_presets(server: OscKnobs, set_list: SetList) -> None:
    """Have a server switch presets and save them."""

    def choose(arguments: tuple[Any, ...], _: Hashable) -> None:
        if len(arguments) != 1:
            raise CompanionError(f"{len(arguments)} values; valid: a preset's name or number")
        (which,) = arguments
        if isinstance(which, float) and which.is_integer():
            which = int(which)
        if isinstance(which, bool) or not isinstance(which, (str, int)):
            raise CompanionError(f"preset is {shown(which)}; valid: a name or a whole number")
        set_list.switch(which)

    def save(arguments: tuple[Any, ...], sender: Hashable) -> None:
        name, *over = arguments or (None,)
        if not isinstance(name, str) or len(over) > 1 or over not in ([], [0], [1]):
            raise CompanionError(f"{shown(arguments)}; valid: a name, and perhaps 1 to write over")
        plain = saved_name(name)

        if not saving.acquire(blocking=False):
            raise CompanionError("another preset is being saved; valid: one at a time")

        def work() -> None:
            try:
                set_list.save(plain, over == [1])
                server.reply(sender, [(f"/{ROOT}/preset/saved", (plain,))])
            except Exception as error:  # nobody else would say so
                address = f"/{ROOT}/{SAVE}"
                server.reject(f"OSC {address}: {one_line(error)}", address, sender)
            finally:
                saving.release()

        threading.Thread(target=work, name="preset-save", daemon=True).start()

    saving = threading.Lock()
    server.on("preset", choose)
    server.on(SAVE, save)
