"""The view over a session that plays, without a terminal."""

from __future__ import annotations

import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass

from textual.pilot import Pilot

from companion.stage.observer import Observer
from companion.stage.sections import Watched
from companion.stage.telling import Telling
from companion.terminal.app import View
from companion.terminal.teller import Teller
from tests.companion.page import WAIT_S, Performance


@contextmanager
def told_by(playing: Performance, ended: list[bool]) -> Iterator[socket.socket]:
    """Where a session is told; `ended` grows when its end is asked for there."""
    ours, theirs = socket.socketpair()
    session, telling = playing.session, Telling()
    telling.said("OSC: 127.0.0.1:9000")
    observer = Observer(session, lambda: True)
    telling.attach(Watched(session, observer, None, session.learn, session.set_list))
    playing.looks.append(observer.tick)
    teller = Teller(ours, telling, lambda: ended.append(True))
    try:
        yield theirs
    finally:
        teller.close()
        playing.looks.remove(observer.tick)
        ours.close()
        theirs.close()


@dataclass
class Seen:
    """The view, and hands on its keys."""

    view: View
    pilot: Pilot[None]

    async def until(self, true: Callable[[], object]) -> None:
        """Wait for what is caused elsewhere."""
        give_up_s = time.monotonic() + WAIT_S
        while not true():
            assert time.monotonic() < give_up_s, "it never happens:\n" + self.text
            await self.pilot.pause(0.02)

    async def press(self, *keys: str) -> None:
        await self.pilot.press(*keys)

    @property
    def lines(self) -> list[str]:
        """What stands on the screen, line by line."""
        return ["".join(part.text for part in strip) for strip in self._strips()]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def _strips(self):  # type: ignore[no-untyped-def]
        return self.view.screen._compositor.render_strips()


@asynccontextmanager
async def seen_on(link: socket.socket, size: tuple[int, int] = (80, 24)) -> AsyncIterator[Seen]:
    """The view on a terminal of so many columns and lines, once it knows the session."""
    view = View(link)
    async with view.run_test(size=size) as pilot:
        seen = Seen(view, pilot)
        await seen.until(lambda: "keys" in view._drawn)
        yield seen
