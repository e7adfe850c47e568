"""The view itself, drawn with textual: from the top, what is read from afar; then the lanes; then
the knobs, what goes wrong, and the keys.

*Threading*: belongs to the main thread of its process.
"""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import Callable, Mapping, Sequence
from typing import Any, ClassVar

from rich.text import Text
from textual import events
from textual.app import App, ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal
from textual.screen import Screen
from textual.widgets import Digits, Static

from companion.terminal.board import board
from companion.terminal.dialogs import AllKeys, Name, Pick, Sure
from companion.terminal.foot import foot, keys, tabs
from companion.terminal.hands import Hands
from companion.terminal.heading import count, heading
from companion.terminal.lanes import lanes
from companion.terminal.told import Told
from companion.terminal.wire import END, MOST_BYTES


class Board(Screen[None]):
    """Where the keys go that no window takes."""

    def compose(self) -> ComposeResult:
        """See textual."""
        with Horizontal(id="top"):
            yield Digits(id="count")
            yield Static(id="heading")
        yield Static(id="lanes")
        yield Static(id="tabs")
        yield Static(id="board")
        yield Static(id="foot")
        yield Static(id="keys")

    def on_key(self, event: events.Key) -> None:
        """See `Hands`."""
        event.stop()
        event.prevent_default()
        assert isinstance(self.app, View)
        self.app.press(event)


class Windows:
    """See `Dialogs`."""

    def __init__(self, app: App[None]) -> None:
        """Over all that the app shows."""
        self._app = app

    def pick(self, title: str, names: Sequence[str], now: str, then: Callable[[str], None]) -> None:
        """See `Dialogs`."""
        self._app.push_screen(Pick(title, names, now), lambda name: then(name) if name else None)

    def name(self, title: str, then: Callable[[str], None]) -> None:
        """See `Dialogs`."""
        self._app.push_screen(Name(title), lambda name: then(name) if name else None)

    def keys(self) -> None:
        """See `Dialogs`."""
        self._app.push_screen(AllKeys())


class View(App[None]):
    """Shows what it is told through a socket, and asks through it."""

    ENABLE_COMMAND_PALETTE = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+c,ctrl+q", "end", priority=True, show=False)
    ]
    CSS = """
    Screen { background: #0c0e11; color: #f1f3f5; }
    #top { height: 3; padding: 0 1; }
    #count { width: auto; min-width: 18; color: #ffd68a; text-style: bold; }
    #heading { width: 1fr; height: 3; }
    #lanes { height: auto; margin-top: 1; }
    #tabs { height: 1; background: #1c2129; }
    #board { height: 1fr; }
    #foot { height: 2; background: #13161b; padding: 0 1; }
    #keys { height: 1; padding: 0 1; }
    ModalScreen { align: center middle; background: #0c0e11 60%; }
    .window { width: 50; height: auto; max-height: 90%; background: #1c2129; padding: 0 2; }
    .window { border: round #ffd68a; }
    .wide { width: 78; }
    .title { color: #ffd68a; height: auto; }
    OptionList { height: auto; max-height: 16; background: #1c2129; border: none; }
    Input { background: #0c0e11; }
    """

    def __init__(self, link: socket.socket) -> None:
        """Nothing told yet.

        Args:
            link: to who tells and is asked, a line of JSON each; it is closed at the end.
        """
        super().__init__()
        self.told = Told()
        self.hands = Hands(self.told, self._ask, Windows(self))
        self._link = link
        self._writer: asyncio.StreamWriter | None = None
        self._drawn: dict[str, object] = {}

    def get_default_screen(self) -> Screen[None]:
        """See textual."""
        return Board()

    def on_mount(self) -> None:
        """See textual."""
        self.run_worker(self._listen(), exit_on_error=True)

    async def _listen(self) -> None:
        reader, self._writer = await asyncio.open_connection(sock=self._link, limit=MOST_BYTES)
        while (line := await reader.readline()) and self.is_running:
            message = json.loads(line)
            self.told.take(message)
            if message["kind"] == "there":
                self._ask_again(message)
            self.draw()
        self._writer.close()
        self.exit()

    def _ask(self, command: Mapping[str, Any]) -> None:
        self._write(json.dumps(command).encode())

    def _write(self, line: bytes) -> None:
        if self._writer is not None:
            self._writer.write(line + b"\n")

    def press(self, event: events.Key) -> None:
        """A key that no window takes."""
        self.hands.press(event.key, event.character)
        self.draw()

    def action_end(self) -> None:
        """End the set; the view ends when there is nothing told any more."""
        self.told.say("the set ends; its take is being finished")
        self._write(END)
        self.draw()

    def action_suspend_process(self) -> None:
        """Nothing: the set goes on, and its view with it."""

    # --- drawing ---------------------------------------------------------------------------------

    def _ask_again(self, answer: Mapping[str, Any]) -> None:
        def over(sure: bool | None) -> None:
            if sure:
                self._ask({"save": answer["name"], "over": True})

        self.told.say("")
        self.push_screen(Sure(answer["why"], "Write over it?"), over)

    def on_resize(self) -> None:
        """Everything anew, once the places are laid out."""
        self.call_after_refresh(self.draw)

    def draw(self) -> None:
        """Everything that looks otherwise than before."""
        if not self.told.parts or not self.screen_stack:
            return
        told, hands, screen = self.told, self.hands, self.screen_stack[0]
        digits = count(told)
        if self._drawn.get("count") != digits:
            self._drawn["count"] = digits
            screen.query_one("#count", Digits).update(digits)
        player = hands.player
        draw: dict[str, Callable[[int, int], Text]] = {
            "heading": lambda width, _: heading(told, width),
            "lanes": lambda width, _: lanes(told, width, player),
            "tabs": lambda width, _: tabs(told, player, hands.knob, width),
            "board": lambda width, height: board(
                told, player, hands.under, width, height, hands.typed
            ),
            "foot": lambda width, height: foot(told, width, height),
            "keys": lambda width, _: keys(width),
        }
        for name, text_of in draw.items():
            place = screen.query_one(f"#{name}", Static)
            size = place.content_size
            text = text_of(size.width, size.height) if size.width else None
            if text is not None and self._drawn.get(name) != text:
                self._drawn[name] = text
                place.update(text)
