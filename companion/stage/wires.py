"""What the page can be wired to beside the knobs, where a jam has it.

*Threading*: the methods are called from the server's worker threads, and may take a while;
`state`, `names` and `current` are called from the server's own thread, and may not.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol


class LearnState(Protocol):
    """Where learning is; unchanging.

    Attributes:
        on: whether learn mode is on.
        chosen: player (None: the rig) and knob that the next controller is for; None for none.
        mappings: a controller and its knob each: `player`, `knob`, `device`, `channel`, `number`.
        clashes: mappings that share a controller.
        waits: knobs that wait to be picked up, each as player, knob and position 0..1.
    """

    @property
    def on(self) -> bool:
        """See the class."""
        ...

    @property
    def chosen(self) -> tuple[str | None, str] | None:
        """See the class."""
        ...

    @property
    def mappings(self) -> Sequence[Any]:
        """See the class."""
        ...

    @property
    def clashes(self) -> Sequence[Any]:
        """See the class."""
        ...

    @property
    def waits(self) -> Sequence[tuple[str | None, str, float]]:
        """See the class."""
        ...


class Learn(Protocol):
    """Binds controllers to knobs."""

    def enter(self) -> None:
        """Learn until `leave`."""
        ...

    def leave(self) -> None:
        """Learn no longer."""
        ...

    def choose(self, player: str | None, knob: str) -> None:
        """The controller that is moved next is this knob's; CompanionError if there is none."""
        ...

    def forget(self, mapping: Any) -> None:
        """Undo a mapping."""
        ...

    def state(self) -> LearnState:
        """Where learning is."""
        ...


class Presets(Protocol):
    """Switches rigs."""

    @property
    def names(self) -> Sequence[str]:
        """What there is."""
        ...

    @property
    def current(self) -> str:
        """The one that plays."""
        ...

    def switch(self, name: str) -> None:
        """Play another from the next bar on; CompanionError if there is none."""
        ...
