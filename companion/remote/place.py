"""Where a generator is served: HOST:PORT."""

from __future__ import annotations

import ipaddress
import re
from dataclasses import dataclass

from companion.system.errors import CompanionError

PORT = 8701
LOOPBACK = "127.0.0.1"
_WRITTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[A-Za-z0-9._-]{1,253})(?::(?P<port>\d{1,5}))?")


@dataclass(frozen=True, slots=True)
class ServedAt:
    """A host, by name or as an address, and a TCP port."""

    host: str
    port: int

    @property
    def is_here(self) -> bool:
        """Whether nobody but this machine is meant."""
        try:
            return self.host == "localhost" or ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_served_at(text: str, what: str) -> ServedAt:
    """HOST or HOST:PORT; the port is 8701 if none is written.

    Args:
        what: is written there, for the message.

    Raises:
        CompanionError: it is written otherwise.
    """
    written = _WRITTEN.fullmatch(text.strip())
    port = PORT if written is None or written["port"] is None else int(written["port"])
    if written is None or not 0 < port <= 65535:
        raise CompanionError(
            f"{what} is {text!r}; valid: a name or an address, such as {LOOPBACK} or box:{PORT}"
        )
    return ServedAt(written["host"].strip("[]"), port)
