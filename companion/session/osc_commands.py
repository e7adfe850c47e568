"""What can be asked for over OSC beside the knobs: another preset, and learning controllers.

- `/companion/preset NAME` or `/companion/preset NUMBER` switches on the next bar line;
- `/companion/learn 1` and `0` turn learn mode on and off; `/companion/learn/choose [PLAYER] KNOB`
  has the next controller that is moved turn a knob, `/companion/learn/forget [PLAYER] KNOB` takes
  away what turns it. Each is answered with the state: `/companion/learn` and, for each controller
  of a knob, `/companion/learn/mapping PLAYER KNOB CONTROLLER`, where the rig's player is empty.

*Threading*: they are done in OSC's own thread; `SetList` and `Learn` may be called from any.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any

from companion.control.learn import Learn
from companion.control.osc import OscKnobs
from companion.control.osc_out import Messages
from companion.session.set_list import SetList
from companion.system.errors import CompanionError, shown

Answer = Callable[[Hashable, Messages], None]


def add_presets(server: OscKnobs, set_list: SetList) -> None:
    """Have a server switch presets."""

    def choose(arguments: tuple[Any, ...], _: Hashable) -> None:
        if len(arguments) != 1:
            raise CompanionError(f"{len(arguments)} values; valid: a preset's name or number")
        (which,) = arguments
        if isinstance(which, float) and which == int(which):
            which = int(which)
        if isinstance(which, bool) or not isinstance(which, (str, int)):
            raise CompanionError(f"preset is {shown(which)}; valid: a name or a whole number")
        set_list.choose(which)

    server.on("preset", choose)


def add_learning(server: OscKnobs, learn: Learn) -> None:
    """Have a server turn learn mode on and off, and bind and take away."""

    def tell(sender: Hashable) -> None:
        server.reply(sender, state_messages(learn))

    def mode(arguments: tuple[Any, ...], sender: Hashable) -> None:
        if len(arguments) > 1 or not all(
            isinstance(each, (bool, int, float)) for each in arguments
        ):
            raise CompanionError(f"{arguments!r}; valid: 1 or 0, or nothing to be told how it is")
        if arguments:
            (learn.enter if arguments[0] else learn.leave)()
        tell(sender)

    def choose(arguments: tuple[Any, ...], sender: Hashable) -> None:
        learn.choose(*_knob(arguments))
        tell(sender)

    def forget(arguments: tuple[Any, ...], sender: Hashable) -> None:
        bound = learn.of(*_knob(arguments))
        if not bound:
            raise CompanionError(f"nothing turns {' '.join(map(str, arguments))}")
        for mapping in bound:
            learn.forget(mapping)
        tell(sender)

    server.on("learn", mode)
    server.on("learn/choose", choose)
    server.on("learn/forget", forget)


def state_messages(learn: Learn) -> Messages:
    """Learn mode at a glance, as messages."""
    state = learn.state()
    chosen = () if state.chosen is None else (state.chosen[0] or "", state.chosen[1])
    yield "/companion/learn", (int(state.on), *chosen)
    for each in state.mappings:
        yield "/companion/learn/mapping", (each.player or "", each.knob, each.text)


def _knob(arguments: tuple[Any, ...]) -> tuple[str | None, str]:
    """Whose knob, None for the rig's, and its name."""
    if not 1 <= len(arguments) <= 2 or not all(isinstance(each, str) for each in arguments):
        raise CompanionError(f"{arguments!r}; valid: a player and its knob, or a knob of the rig")
    *player, knob = arguments
    return (player[0] or None) if player else None, knob
