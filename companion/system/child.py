"""A part of the rig in a process of its own: how it is started, talked to and ended.

Parent and child talk over the child's standard input and output. The child ends when its input
does, so a parent that was killed leaves no orphan.

*Threading*: `Child.end` may be called from any thread, and again. Each pipe belongs to one thread,
which alone reads, writes or closes it; `hang_up` closes the input. `become_child` belongs to the
main thread of the child, before it starts others.
"""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any, BinaryIO, cast

_PACKAGES = str(Path(__file__).parents[2])
_KILL_LIMIT_S = 3.0  # what a driver holds is not gone at once, or never


class Child:
    """A child process, from its start to its end.

    Attributes:
        pid: its process id.
        input: takes what it is told.
        output: what it says.
        errors: what else it prints, if that was asked for.
    """

    def __init__(self, command: Sequence[str], errors: int = subprocess.DEVNULL) -> None:
        """Start it; it finds the same packages, from wherever this process was started.

        Args:
            command: the program and its arguments.
            errors: what becomes of its standard error, as for `Popen`.

        Raises:
            OSError: there is no such program.
        """
        paths = os.pathsep.join(filter(None, [_PACKAGES, os.environ.get("PYTHONPATH")]))
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            env=os.environ | {"PYTHONPATH": paths},
            **_apart(),
        )
        self.pid = self._process.pid
        self.input = cast(BinaryIO, self._process.stdin)
        self.output = cast(BinaryIO, self._process.stdout)
        self.errors = cast(BinaryIO, self._process.stderr)

    def hang_up(self) -> None:
        """End its input, which asks it to end. Again does nothing."""
        with contextlib.suppress(OSError):
            self.input.close()

    def end(self, grace_s: float) -> int | None:
        """Wait `grace_s` for its end, then kill it; with 0 at once.

        Returns:
            its exit code; None if a driver holds it for ever, killed as it is.
        """
        for limit_s in (grace_s, _KILL_LIMIT_S):
            try:
                return self._process.wait(limit_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        return None


def become_child() -> BinaryIO:
    """Leave Ctrl-C to the parent, and keep standard output for what is meant for it.

    Returns:
        where to write that. Whatever else prints, a library of C too, gets standard error.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    own = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    return os.fdopen(own, "wb")


def _apart() -> dict[str, Any]:
    """Arguments for `Popen`: a terminal does not ask the child to end, its parent does."""
    if os.name == "posix":
        return {"process_group": 0}
    return {"creationflags": getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0)}
