"""The stage page of a jam: opened before it, given the session, closed after it.

*Threading*: belongs to the thread that opens it, which is the session's; what it returns to be
called at every tick is called there.
"""

from __future__ import annotations

from collections.abc import Callable
from types import TracebackType

from companion.session.session import Session
from companion.session.status import Status
from companion.stage.door import door_to
from companion.stage.observer import Observer
from companion.stage.peaks import Peaks
from companion.stage.place import listen, read_place
from companion.stage.sections import Watched
from companion.system.errors import CompanionError


class Stage:
    """Serves the page until it is closed.

    Attributes:
        url: what opens it in a browser.
        code: the same as a code that a tablet's camera reads, lines to be printed dark on light;
            empty where only this machine can open it.
    """

    def __init__(self, place: str) -> None:
        """Serve at a place, HOST or HOST:PORT.

        Raises:
            CompanionError: what it needs is not installed, or the place cannot be used.
        """
        wanted = read_place(place)
        try:
            import websockets  # noqa: F401 (uvicorn asks for it, but too late to say so here)

            from companion.stage.code import code_lines
            from companion.stage.server import Server
        except ModuleNotFoundError as missing:
            raise CompanionError(
                f"the stage page needs {missing.name}, which is not installed; "
                'valid: pip install "companion[stage]"'
            ) from missing
        listener, there = listen(wanted)
        door = door_to(there)
        self.url = door.url
        self.code = code_lines(door.url) if there.is_open else []
        self._server = Server(listener, door)

    def said(self, line: str) -> None:
        """Show a line on the page while it waits for the session, and keep it."""
        self._server.said(line)

    def attach(self, session: Session) -> Callable[[Status], None]:
        """Show this session; what is returned is to be called at its every tick."""
        observer = Observer(session, lambda: self._server.watched)
        peaks = Peaks(session.rig.memory, session.rig.performed)
        self._server.attach(Watched(session, observer, peaks, session.learn, session.set_list))
        return observer.tick

    def close(self) -> None:
        """Tell the pages that the set is over, and serve no more."""
        self._server.close()

    def __enter__(self) -> Stage:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
