"""The view of a jam: opened before it, given the session, closed after it.

*Threading*: belongs to the thread that opens it, which is the session's; what it returns to be
called at every tick is called there.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType

from companion.session.session import Session
from companion.session.status import Status
from companion.stage.observer import Observer
from companion.stage.sections import Watched
from companion.stage.telling import Telling
from companion.system.errors import CompanionError
from companion.terminal.teller import Teller
from companion.terminal.wire import LOOKS_HZ

NEEDS = "textual"
LEAVE_S, KILL_S = 3.0, 2.0
"""How long the process that draws may take to give the terminal back."""
_PACKAGES = str(Path(__file__).parents[2])
_RESTORE = "\x1b[?1049l\x1b[?25h\x1b[?2004l\x1b[0m"
"""Ends the second screen of a terminal, shows the cursor, ends bracketed paste."""


class Terminal:
    """Shows the view until it is closed, or the process that draws it ends."""

    def __init__(self) -> None:
        """Start the process that draws; it takes the terminal once there is something to be seen.

        Raises:
            CompanionError: what it needs is not installed, or there is no terminal.
        """
        if find_spec(NEEDS) is None:
            raise CompanionError(
                f"the view needs {NEEDS}, which is not installed; "
                'valid: pip install "companion[stage]"'
            )
        if os.name != "posix" or not all(os.isatty(each) for each in (0, 1)):
            raise CompanionError("the view needs a terminal of Linux or macOS; valid: --stage")
        import termios

        self._kept = termios.tcgetattr(0)
        self._telling = Telling()
        self._teller: Teller | None = None
        self._told_gone = False
        self._ours, theirs = socket.socketpair()
        paths = os.pathsep.join(filter(None, [_PACKAGES, os.environ.get("PYTHONPATH")]))
        kept = signal.signal(signal.SIGINT, signal.SIG_IGN)  # it is left to this process
        with theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "companion.terminal.child", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stderr=1,  # it draws there, whatever else is printed
                env=os.environ | {"PYTHONPATH": paths},
            )
        signal.signal(signal.SIGINT, kept)

    def said(self, line: str) -> None:
        """A line that the terminal told before the view was there."""
        self._telling.said(line)

    @property
    def shows(self) -> bool:
        """Whether the terminal is the view's."""
        return self._teller is not None and not self._teller.gone

    def attach(self, session: Session) -> Callable[[Status], None]:
        """Show this session; what is returned is to be called at its every tick."""
        observer = Observer(session, lambda: self.shows, looks_hz=LOOKS_HZ)
        watched = Watched(session, observer, None, session.learn, session.set_list)
        self._telling.attach(watched)
        self._teller = Teller(self._ours, self._telling, session.stop)

        def on_tick(status: Status) -> None:
            observer.tick(status)
            if not self.shows and not self._told_gone:
                self._told_gone = True
                self._give_back()
                session.troubles.happened("message", "the view has ended; the set goes on")

        return on_tick

    def close(self) -> None:
        """Give the terminal back; again does nothing."""
        if self._teller is not None:
            self._teller.close()
        self._ours.close()
        try:
            self._child.wait(LEAVE_S)
        except subprocess.TimeoutExpired:
            self._child.kill()
            self._child.wait(KILL_S)
        self._give_back()

    def _give_back(self) -> None:
        """Have the terminal as it was, where the process that drew could not see to it."""
        if self._child.poll():
            import termios

            with suppress(OSError, termios.error):
                termios.tcsetattr(0, termios.TCSADRAIN, self._kept)
                os.write(1, _RESTORE.encode())

    def __enter__(self) -> Terminal:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
