"""One WebSocket of OSCQuery: which addresses it listens to, and what it is still to be sent.

Of each address it is sent the last value: a client that does not keep up misses those between.

*Threading*: belongs to the thread that serves.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from companion.control.osc_packet import Argument
from companion.control.osc_query import OscTree


class Client:
    """What a WebSocket listens to, and is still to be sent."""

    def __init__(self, websocket: Any, tree: OscTree) -> None:
        self._websocket, self._tree = websocket, tree
        self._listens: set[str] = set()
        self._news: dict[str, tuple[Argument, ...]] = {}  # the last of each address
        self._wake = asyncio.Event()

    def hear(self, news: dict[str, tuple[Argument, ...]]) -> None:
        """Be told what is new, of which only what it listens to counts."""
        mine = {address: told for address, told in news.items() if address in self._listens}
        if mine:
            self._news |= mine
            self._wake.set()

    def command(self, text: str) -> None:
        """LISTEN or IGNORE an address; anything else says nothing to us."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(said, dict):
            return
        command, address = said.get("COMMAND"), said.get("DATA")
        if isinstance(address, str) and address in self._tree.places:
            if command == "LISTEN":
                self._listens.add(address)
            elif command == "IGNORE":
                self._listens.discard(address)

    async def send(self) -> None:
        """Send what it listens to, until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            news, self._news = self._news, {}
            for address, told in news.items():
                await self._websocket.send_bytes(osc_message(address, told))


def osc_message(address: str, told: tuple[Argument, ...]) -> bytes:
    """An OSC message, with a switch as true or false, as the tree has it."""
    message = OscMessageBuilder(address)
    for each in told:
        message.add_arg(each)
    return message.build().dgram
