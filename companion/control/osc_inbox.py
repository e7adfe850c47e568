"""Packets that have come and are not read yet, where they come faster than they can be read.

The system keeps only so many for a port, and throws away those that come last: the very ones that
say where a fader was left. So they are taken from it at once, which is a fifth of the work, and
where there are too many here it is the oldest that are let go.

*Threading*: belongs to the thread that receives.
"""

from __future__ import annotations

from collections import deque
from typing import Any

MOST_PACKETS = 16_384
MOST_BYTES = 32 << 20


class Inbox:
    """Packets and whose they are, the oldest first.

    Attributes:
        let_go: how many were never read.
    """

    def __init__(self, most_packets: int = MOST_PACKETS, most_bytes: int = MOST_BYTES) -> None:
        """Empty; it holds so much."""
        self._most_packets, self._most_bytes = most_packets, most_bytes
        self._packets: deque[tuple[bytes, Any]] = deque()
        self._bytes = 0
        self.let_go = 0

    def put(self, packet: bytes, sender: Any) -> None:
        """Keep a packet; where there is no room for it the oldest go."""
        self._packets.append((packet, sender))
        self._bytes += len(packet)
        while len(self._packets) > self._most_packets or self._bytes > self._most_bytes:
            self.get()
            self.let_go += 1

    def get(self) -> tuple[bytes, Any]:
        """Take out the oldest; IndexError where there is none."""
        packet, sender = self._packets.popleft()
        self._bytes -= len(packet)
        return packet, sender

    def __len__(self) -> int:
        """How many there are."""
        return len(self._packets)
