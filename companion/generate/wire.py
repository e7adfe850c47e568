"""The wire to a generator: to a child process, or to a thread of this one.

*Threading*: `send` and `close` belong to one thread, the worker's; neither waits on the generator.
`receive` is called from a link's own thread. A `ProcessLink` has three: one reads, one writes (a
child that hangs stops reading, and who writes to it then waits), one keeps the last of what the
child printed. A `ThreadLink` has one, which owns the generator.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from typing import Protocol

from companion.generate.loading import GeneratorName, Loading
from companion.generate.protocol import Message, ProtocolError, pack, read_message
from companion.generate.serve import Inbox, serve
from companion.system.child import Child

GRACE_S = 1.0
"""How long a generator that is asked to end may take before it is made to."""
_LINE_BYTES = 4096


@dataclass(frozen=True, slots=True)
class Lost:
    """The last thing a link says: the generator is gone."""

    reason: str


Receive = Callable[[Message | Lost], None]


class Link(Protocol):
    """One generator, from its start to its end."""

    def send(self, message: Message) -> None:
        """Say something; lost without a word when the generator is gone."""
        ...

    def close(self, grace_s: float = GRACE_S) -> None:
        """Ask it to end, then make it; 0 makes it at once. Again does nothing."""
        ...


OpenLink = Callable[[Receive, int], Link]
"""The number is of threads, as for `warm_up`."""


class ProcessLink:
    """A child process that speaks the protocol on its standard input and output."""

    def __init__(self, command: Sequence[str], receive: Receive) -> None:
        """Start the child; OSError if there is no such program."""
        self._child = Child(command, errors=subprocess.PIPE)
        self._receive = receive
        self._outbox: SimpleQueue[bytes | None] = SimpleQueue()
        self._printed: deque[str] = deque(maxlen=20)
        self._threads = [
            threading.Thread(target=task, name=f"generator-{task.__name__[1:]}", daemon=True)
            for task in (self._listen, self._read, self._write)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._child.pid

    def send(self, message: Message) -> None:
        """See `Link`."""
        self._outbox.put(pack(message))

    def close(self, grace_s: float = GRACE_S) -> None:
        """See `Link`."""
        self._outbox.put(None)
        self._child.end(grace_s)
        for thread in self._threads:
            thread.join(GRACE_S)

    def _write(self) -> None:
        with contextlib.suppress(OSError):  # it is gone: the reader says so
            while (data := self._outbox.get()) is not None:
                self._child.input.write(data)
                self._child.input.flush()
        self._child.hang_up()

    def _read(self) -> None:
        problem, grace_s = "", GRACE_S
        try:
            while (message := read_message(self._child.output)) is not None:
                self._receive(message)
        except (ProtocolError, OSError) as error:
            problem, grace_s = f", which spoke nonsense ({error}),", 0.0
        code = self._child.end(grace_s)
        self._child.output.close()
        self._threads[0].join(GRACE_S)
        last = next((f": {line}" for line in reversed(self._printed) if line), "")
        self._receive(Lost(f"the generator's process{problem} ended with code {code}{last}"))

    def _listen(self) -> None:
        with self._child.errors as stream:
            while line := stream.readline(_LINE_BYTES):
                self._printed.append(line.decode(errors="replace").strip())


class ThreadLink:
    """A generator in a thread of this process. If it hangs, it is left behind."""

    def __init__(self, source: Loading, receive: Receive, threads: int = 0) -> None:
        """Start the thread, which loads the generator; `threads` as for `warm_up`."""
        self._source, self._threads = source, threads
        self._receive = receive
        self._inbox: Inbox = Inbox()
        self._thread = threading.Thread(target=self._run, name="generator", daemon=True)
        self._thread.start()

    def send(self, message: Message) -> None:
        """See `Link`."""
        self._inbox.put(message)

    def close(self, grace_s: float = GRACE_S) -> None:
        """See `Link`."""
        self._inbox.put(None)
        self._thread.join(grace_s)

    def _run(self) -> None:
        serve(self._source, self._inbox, self._receive, self._threads)
        self._receive(Lost("the generator's thread ended"))


def child_command(
    generator: GeneratorName,
    device: str = "auto",
    weights: Path | None = None,
    threads: int = 0,
    recordings: Sequence[Path] = (),
    enough_s: float = 0.0,
) -> tuple[str, ...]:
    """How to start the child with "model" or "standin"; the rest as for `loading` and `warm_up`."""
    options = ["--generator", generator, "--device", device]
    if weights is not None:
        options += ["--weights", str(weights)]
    if threads:
        options += ["--threads", str(threads)]
    if enough_s > 0.0:
        options += ["--enough", str(enough_s)]
    for recording in recordings:
        options += ["--recording", str(recording)]
    return (sys.executable, "-m", "companion.generate.child", *options)
