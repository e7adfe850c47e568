"""`companion`, and `python -m companion`: where the process begins.

Loading takes a second or two. Who presses Ctrl-C meanwhile just ends the process: there is nothing
yet that would have to be put away.
"""

from __future__ import annotations

import signal


def main() -> None:
    """Entry point of the command."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from companion.cli.app import main as command

    command()


if __name__ == "__main__":
    main()
