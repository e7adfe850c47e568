"""Being asked to end: Ctrl-C, a termination, a terminal that closes. To us they are one thing.

What was told to be ignored, as `nohup` does with the terminal's end, stays ignored.

*Threading*: belongs to the main thread.
"""

from __future__ import annotations

import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

KINDS = tuple(
    getattr(signal, name)
    for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK")  # the last is Ctrl-Break on Windows
    if hasattr(signal, name)
)


class Stopped(BaseException):
    """A command was asked to end before its work was done; `number` is the signal's."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def ended_by(end: Callable[[int], object]) -> Iterator[None]:
    """Meanwhile whoever asks to end calls `end` with the signal's number."""
    kept: dict[signal.Signals, Any] = {}
    for kind in KINDS:
        if signal.getsignal(kind) not in (signal.SIG_IGN, None):
            kept[kind] = signal.signal(kind, lambda number, _: end(number))
    try:
        yield
    finally:
        for kind, handler in kept.items():
            signal.signal(kind, handler)


@contextmanager
def stopped() -> Iterator[None]:
    """Meanwhile being asked to end raises `Stopped`, once: who cleans up is left in peace."""
    asked: list[int] = []

    def stop(number: int) -> None:
        asked.append(number)
        if len(asked) == 1:
            raise Stopped(number)

    with ended_by(stop):
        yield
