"""The process that draws the view: `python -m companion.terminal.child NUMBER`, of an open socket.

It has the terminal; who started it has the set. It ends when the socket does.
"""

from __future__ import annotations

import os
import socket
import sys
from contextlib import suppress

NICE = 10
"""What sounds goes before what is seen."""


def main() -> None:
    """Wait until there is something to be seen, then show it until there is no more."""
    link = socket.socket(fileno=int(sys.argv[1]))
    with suppress(OSError):
        os.nice(NICE)
    from companion.terminal.app import View

    if link.recv(1, socket.MSG_PEEK):
        view = View(link)
        view.run(mouse=False)
        sys.exit(view.return_code or 0)


if __name__ == "__main__":
    main()
