"""Who is obeyed: programs of this machine, and the machines that a preset lists.

*Threading*: any thread may call anything.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache
from typing import Any


class Peers:
    """The machines whose messages count."""

    def __init__(self, addresses: Iterable[str] = ()) -> None:
        """Programs of this machine, and these addresses.

        Args:
            addresses: of IPv4 or IPv6, as numbers.
        """
        self._listed = frozenset(map(_read, addresses)) - {None}

    def include(self, host: Any) -> bool:
        """Whether an address, as a socket has it, is one of them."""
        address = _read(str(host))
        return address is not None and (address.is_loopback or address in self._listed)


@lru_cache(maxsize=256)
def _read(host: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        address = ipaddress.ip_address(host.partition("%")[0])  # without the interface's name
    except ValueError:
        return None
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address
