"""The process that holds the generator: `python -m companion.generate.child`.

Its standard input and output are the protocol's; whatever it or a library prints goes to standard
error. It has a lower priority than the rig, leaves Ctrl-C to its parent, and ends when its standard
input does: a parent that was killed leaves no orphan.

*Threading*: the main thread owns the generator and standard output; one thread reads standard input
into the inbox, so that what it says acts between decode steps.
"""

from __future__ import annotations

import argparse
import contextlib
import ctypes
import functools
import os
import sys
import threading
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO

from companion.generate.loading import GENERATORS, Loading, loading
from companion.generate.protocol import (
    Failed,
    Message,
    ProtocolError,
    Ready,
    Result,
    read_message,
    write_message,
)
from companion.generate.serve import Inbox, serve
from companion.system.child import become_child
from companion.system.errors import one_line

NICENESS = 5
LAST_STEP_S = 2.0
"""How long a decode step may go on after the input has ended, before it is cut off."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until standard input ends; the exit code, 0 unless the parent spoke nonsense."""
    parser = argparse.ArgumentParser(prog="python -m companion.generate.child")
    parser.add_argument("--generator", choices=GENERATORS, default="model")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--weights", type=Path, default=None)
    parser.add_argument("--threads", type=int, default=0)
    parser.add_argument("--enough", type=float, default=0.0)
    parser.add_argument("--recording", type=Path, action="append", default=[])
    options = parser.parse_args(arguments)
    given = options.device, options.weights, options.recording, options.enough
    source = loading(options.generator, *given)
    return serve_parent(source, options.threads)


def serve_parent(source: Loading, threads: int = 0) -> int:
    """The same with a generator of any kind; `threads` as for `warm_up`."""
    outbox = become_child()
    if hasattr(os, "nice"):
        os.nice(NICENESS)
    trim = memory_trimmer()

    def send(message: Message) -> None:
        write_message(outbox, message)
        if isinstance(message, (Ready, Result, Failed)):  # nothing is being made
            trim()

    inbox: Inbox = Inbox()
    problems: list[str] = []
    reader = threading.Thread(
        target=_read, args=(sys.stdin.buffer, inbox, problems), name="child-reader", daemon=True
    )
    reader.start()
    with contextlib.suppress(ConnectionError):  # the parent has gone
        serve(source, inbox, send, threads)
    return 1 if problems else 0


def memory_trimmer() -> Callable[[], object]:
    """What hands free memory back to the system, where the C library can; it takes milliseconds.

    Windows of changing lengths leave the heap full of holes, and in a long set it would grow.
    """
    trim = getattr(ctypes.CDLL(None), "malloc_trim", None) if os.name == "posix" else None
    return functools.partial(trim, 0) if trim is not None else lambda: None


def _read(stream: BinaryIO, inbox: Inbox, problems: list[str]) -> None:
    try:
        while (message := read_message(stream)) is not None:
            inbox.put(message)
    except (ProtocolError, MemoryError) as error:  # deaf, it would be of no use
        problems.append(one_line(error))
        with contextlib.suppress(OSError):
            print(*problems, file=sys.stderr, flush=True)
    end = threading.Timer(LAST_STEP_S, os._exit, (1 if problems else 0,))
    end.daemon = True
    end.start()
    inbox.put(None)


if __name__ == "__main__":
    raise SystemExit(main())
