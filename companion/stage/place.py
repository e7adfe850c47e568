"""Where the page is served, and by which addresses it can be reached."""

from __future__ import annotations

import ipaddress
import re
import socket
from dataclasses import dataclass

from companion.system.errors import CompanionError

LOOPBACK = "127.0.0.1"
PORT = 8700
VALID = f"an address of this machine, such as {LOOPBACK}, 0.0.0.0 or 0.0.0.0:{PORT}"
_WRITTEN = re.compile(r"(?P<host>\[[0-9a-fA-F:.]+\]|[^:\[\]]+)(?::(?P<port>\d{1,5}))?")
_ROUTED = ("192.0.2.1", 9)
"""Nobody's: an address to be asked which way out is, without a packet being sent."""


@dataclass(frozen=True, slots=True)
class Place:
    """An address of this machine, as a number, and a TCP port; port 0 is any that is free."""

    host: str
    port: int

    @property
    def is_open(self) -> bool:
        """Whether other machines can reach it."""
        return not ipaddress.ip_address(self.host).is_loopback

    @property
    def written(self) -> str:
        """As it stands in a URL."""
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def read_place(text: str) -> Place:
    """HOST or HOST:PORT, the host as an address or `localhost`.

    Raises:
        CompanionError: it is written otherwise.
    """
    written = _WRITTEN.fullmatch(text.strip())
    try:
        if written is None:
            raise ValueError
        host = written["host"].strip("[]")
        host = LOOPBACK if host == "localhost" else str(ipaddress.ip_address(host))
        port = PORT if written["port"] is None else int(written["port"])
        if port > 65535:
            raise ValueError
    except ValueError as error:
        raise CompanionError(f"stage is {text!r}; valid: {VALID}") from error
    return Place(host, port)


def looks_like_a_place(text: str) -> bool:
    """Whether a word of the command line is meant as one, and not as a preset."""
    try:
        read_place(text)
    except CompanionError:
        return bool(re.search(r"\d[.:]\d|^\[|^localhost:", text))
    return True


def listen(place: Place) -> tuple[socket.socket, Place]:
    """A socket that listens there, and where that is.

    Raises:
        CompanionError: it cannot, by name.
    """
    family = socket.AF_INET6 if ":" in place.host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((place.host, place.port))
        listener.listen(16)
    except OSError as error:
        listener.close()
        why = error.strerror or str(error)
        raise CompanionError(
            f"the stage page cannot be served at {place.written} ({why}); valid: {VALID}, "
            "with a port that nobody uses"
        ) from error
    return listener, Place(place.host, int(listener.getsockname()[1]))


def reached_by(place: Place) -> tuple[str, ...]:
    """Addresses by which a browser may ask for it, the best one for others first."""
    if not place.is_open:
        return (place.host, "localhost")
    if not ipaddress.ip_address(place.host).is_unspecified:
        return (place.host,)
    name = socket.gethostname()
    found = [_way_out(), *_own_addresses(name), LOOPBACK, "localhost", name, f"{name}.local"]
    return tuple(dict.fromkeys(each for each in found if each))


def _way_out() -> str:
    """This machine's address in the network that leads on; empty where there is none."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
        try:
            probe.connect(_ROUTED)
        except OSError:
            return ""
        return str(probe.getsockname()[0])


def _own_addresses(name: str) -> list[str]:
    try:
        return list(socket.gethostbyname_ex(name)[2])
    except OSError:
        return []
