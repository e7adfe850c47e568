"""What is asked for in a window of its own: one of some names, a name, whether one is sure."""

from __future__ import annotations

from collections.abc import Sequence

from rich.table import Table
from textual import events
from textual.app import ComposeResult
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from companion.terminal.hands import KEYS
from companion.terminal.ink import NOW

LONGEST = 48
"""Of a preset's name."""


class Pick(ModalScreen[str]):
    """One of some names; none where it is left."""

    def __init__(self, title: str, names: Sequence[str], now: str) -> None:
        """The one that is so now is under the keys."""
        super().__init__()
        self._heading, self._names, self._now = title, names, now

    def compose(self) -> ComposeResult:
        """See textual."""
        with Vertical(classes="window"):
            yield Static(self._heading, classes="title", markup=False)
            yield OptionList(*(Option(name) for name in self._names), markup=False)

    def on_mount(self) -> None:
        """See textual."""
        if self._now in self._names:
            self.query_one(OptionList).highlighted = self._names.index(self._now)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """It was picked."""
        event.stop()
        self.dismiss(self._names[event.option_index])

    def on_key(self, event: events.Key) -> None:
        """Escape leaves."""
        if event.key == "escape":
            event.stop()
            self.dismiss("")


class Name(ModalScreen[str]):
    """A name; none where it is left."""

    def __init__(self, title: str) -> None:
        """Nothing typed yet."""
        super().__init__()
        self._heading = title

    def compose(self) -> ComposeResult:
        """See textual."""
        with Vertical(classes="window"):
            yield Static(self._heading, classes="title", markup=False)
            yield Input(max_length=LONGEST)

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """It was typed."""
        event.stop()
        self.dismiss(event.value.strip())

    def on_key(self, event: events.Key) -> None:
        """Escape leaves."""
        if event.key == "escape":
            event.stop()
            self.dismiss("")


class Sure(ModalScreen[bool]):
    """Whether it is to be done all the same."""

    def __init__(self, why: str, question: str) -> None:
        """Not yet."""
        super().__init__()
        self._why, self._question = why, question

    def compose(self) -> ComposeResult:
        """See textual."""
        with Vertical(classes="window"):
            yield Static(self._why, markup=False)
            yield Static(
                f"{self._question} y: yes, any other key: no", classes="title", markup=False
            )

    def on_key(self, event: events.Key) -> None:
        """Only y does it."""
        event.stop()
        self.dismiss(event.key == "y")


class AllKeys(ModalScreen[None]):
    """What the keys are."""

    def compose(self) -> ComposeResult:
        """See textual."""
        table = Table.grid(padding=(0, 2))
        for key, what in KEYS:
            table.add_row(f"[bold {NOW}]{key}[/]", what)
        with Vertical(classes="window wide"):
            yield Static(table)
            yield Static("any key: back to the stage", classes="title")

    def on_key(self, event: events.Key) -> None:
        """Any key goes back."""
        event.stop()
        self.dismiss(None)
