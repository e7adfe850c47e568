"""Who asked to be told everything, and where: each at a port of the machine that asked.

A subscription lasts until it is given up: a patch says so once, when it is opened, and is never
reminded to say it again. Whoever has sent nothing for longest makes room where there are too many.

*Threading*: any thread may call anything; a lock is held for microseconds, and what the system
cannot take at once is dropped and counted.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable, Sequence
from typing import Any

from companion.control.osc_address import SocketAddress, arrives
from companion.control.osc_out import Messages, bundle
from companion.control.osc_packet import is_whole
from companion.system.errors import CompanionError, shown

MOST = 16
LAST_PORT = 65535


class Subscribers:
    """Programs that asked to be told everything.

    Attributes:
        sent, dropped: packets, to each.
    """

    def __init__(
        self, send: Callable[[bytes, SocketAddress], None], own: Sequence[SocketAddress] = ()
    ) -> None:
        """Nobody asked yet.

        Args:
            send: sends a packet without waiting; OSError where that cannot be done now.
            own: where the companion itself listens.
        """
        self._send, self._own = send, tuple(own)
        self._lock = threading.Lock()
        # By where they are told: who asked. The one that was heard of last is last.
        self._all: OrderedDict[SocketAddress, SocketAddress] = OrderedDict()
        self.sent = self.dropped = 0

    def add(self, sender: SocketAddress, port: Any = None) -> None:
        """Tell a sender everything from now on, at a port of its machine or where it sent from.

        CompanionError for what is no port, or is the companion's own.
        """
        told_at = _at(sender, port)
        if any(arrives(told_at, place) for place in self._own):
            raise CompanionError(
                f"port {told_at[1]} is the companion's own; valid: a port that you listen on"
            )
        with self._lock:
            self._all.pop(told_at, None)
            self._all[told_at] = sender
            if len(self._all) > MOST:
                self._all.popitem(last=False)

    def remove(self, sender: SocketAddress, port: Any = None) -> None:
        """Tell a sender no more, at a port or at all that it asked from; CompanionError for none.

        What was not asked for is given up as well.
        """
        with self._lock:
            if port is not None:
                self._all.pop(_at(sender, port), None)
                return
            for told_at, who in tuple(self._all.items()):
                if sender in (told_at, who):
                    del self._all[told_at]

    def heard(self, sender: Hashable) -> None:
        """A sender is still there."""
        with self._lock:
            for told_at, who in tuple(self._all.items()):
                if sender in (told_at, who):
                    self._all.move_to_end(told_at)

    def include(self, sender: Hashable) -> bool:
        """Whether a sender is told, or has asked for it."""
        with self._lock:
            return any(sender in each for each in self._all.items())

    def reply_to(self, sender: SocketAddress) -> SocketAddress:
        """Where a sender listens: where it asked to be told last, else where it sends from."""
        with self._lock:
            for told_at, who in reversed(self._all.items()):
                if who == sender:
                    return told_at
        return sender

    def tell(self, messages: Messages, by: Hashable = None) -> None:
        """Send to all but the one that it comes from; none at all sends nothing."""
        with self._lock:
            places = [at for at, who in self._all.items() if by is None or by not in (at, who)]
        kept = tuple(messages) if places else ()
        if kept:
            packet = bundle(kept)
            for place in places:
                self.send(packet, place)

    def send(self, packet: bytes, place: SocketAddress) -> None:
        """Send a packet to one of them, without waiting."""
        try:
            self._send(packet, place)
            self.sent += 1
        except OSError:  # nobody is there, or the system's buffer is full
            self.dropped += 1

    def __len__(self) -> int:
        """How many there are."""
        return len(self._all)


def _at(sender: SocketAddress, port: Any) -> SocketAddress:
    if port is None:
        return sender
    if not is_whole(port, LAST_PORT):
        raise CompanionError(f"port is {shown(port)}; valid: 1 to {LAST_PORT}")
    return (sender[0], int(port), *sender[2:])
