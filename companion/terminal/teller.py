"""Tells the process that draws how the session goes, and does what it asks for.

*Threading*: one daemon thread, `view`, does all of it; `close` may be called from any other.
"""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Callable
from contextlib import suppress

from companion.stage.commands import MAX_CHARACTERS, do
from companion.stage.telling import Telling, as_json
from companion.system.errors import CompanionError
from companion.terminal.wire import END, LOOKS_HZ

SOURCE = "view"
"""Who moves knobs here."""
CLOSE_S = 3.0


class Teller:
    """Tells through a socket, until it is closed at one end.

    Attributes:
        gone: whether it was.
    """

    def __init__(self, link: socket.socket, telling: Telling, end: Callable[[], None]) -> None:
        """Tell from now on.

        Args:
            link: to who watches.
            telling: what there is to tell.
            end: called when the end of the set is asked for; from the thread `view`.
        """
        self._link, self._telling, self._end = link, telling, end
        self._over = threading.Event()
        self.gone = False
        self._thread = threading.Thread(target=self._run, name="view", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Tell no more; again does nothing."""
        self._over.set()
        self._thread.join(CLOSE_S)

    def _run(self) -> None:
        with suppress(OSError):
            asyncio.run(self._serve())
        self.gone = True

    async def _serve(self) -> None:
        reader, writer = await asyncio.open_connection(sock=self._link, limit=4 * MAX_CHARACTERS)
        doing = asyncio.create_task(self._do_all(reader, writer))
        knows = False
        while not self._over.is_set() and not doing.done():
            if writer.transport.get_write_buffer_size():
                knows = False  # it does not keep up: once it does it is told everything
            elif (news := self._telling.look()) is not None:
                _send(writer, news.changed if knows else news.everything())
                knows = True
            await asyncio.sleep(1 / LOOKS_HZ)
        doing.cancel()
        writer.close()

    async def _do_all(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Until who asks has gone."""
        with suppress(OSError, ValueError):  # ValueError: a line too long
            while line := await reader.readline():
                if line.strip() == END:
                    self._end()
                    continue
                text = line.decode(errors="replace")
                try:
                    answer = await do(text, self._telling.watched, SOURCE)
                except CompanionError as error:
                    answer = {"kind": "refused", "why": str(error)}
                if answer is not None:
                    _send(writer, as_json(answer))


def _send(writer: asyncio.StreamWriter, text: str) -> None:
    writer.write(text.encode() + b"\n")
