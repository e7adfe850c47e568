"""What the page can be wired to beside the knobs, where a jam has it.

*Threading*: the methods are called from the server's worker threads, and may take a while;
`state`, `names` and `current` are called from the server's own thread, and may not.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from companion.control.parameters import Value


class Mapped(Protocol):
    """A controller and its knob; unchanging."""

    @property
    def mapping(self) -> Any:
        """What `Learn.forget` takes."""
        ...

    @property
    def player(self) -> str | None:
        """Whose knob it turns; `*` for every player's, None for the rig's."""
        ...

    @property
    def knob(self) -> str:
        """Name of the knob."""
        ...

    @property
    def device(self) -> str | None:
        """Where it is heard; None for any. So is the channel."""
        ...

    @property
    def channel(self) -> int | None:
        """1 to 16."""
        ...

    @property
    def kind(self) -> str:
        """What it sends: `cc`, `note` and so on."""
        ...

    @property
    def number(self) -> int:
        """Of the controller or note."""
        ...

    @property
    def clashes(self) -> Sequence[str]:
        """Other knobs that the same control turns, each for a person."""
        ...

    @property
    def waits_for(self) -> Mapping[str | None, Value]:
        """The values at which it takes the knob over, by player, while it waits for that."""
        ...


class LearnState(Protocol):
    """Where learning is; unchanging."""

    @property
    def on(self) -> bool:
        """Whether learn mode is on."""
        ...

    @property
    def chosen(self) -> tuple[str | None, str] | None:
        """Player (None: the rig) and knob that the next controller is for; None for none."""
        ...

    @property
    def mappings(self) -> Sequence[Mapped]:
        """All that is bound."""
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
        """Bind it no more; CompanionError if it is not bound."""
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
