"""Where OSC packets come in and go out: sockets for the hosts and ports of a preset.

A name is looked up, and where it has an IPv4 address that is taken: there Max, TouchDesigner and
liblo listen, although on many machines `localhost` is ::1 first. Where IPv4's loopback is listened
on, IPv6's is as well, for those programs that send to the first.
"""

from __future__ import annotations

import contextlib
import ipaddress
import socket
from collections.abc import Sequence
from typing import Any

from companion.control.preset import OscTarget
from companion.system.errors import CompanionError

SocketAddress = tuple[Any, ...]
"""Host and port, and for IPv6 flow and scope, as `socket` has them."""
RECEIVE_BUFFER_BYTES = 8 << 20
"""Bursts of thousands of messages arrive whole."""
_LOOPBACK = {4: ipaddress.ip_address("127.0.0.1"), 6: ipaddress.ip_address("::1")}


def open_listeners(host: str, port: int) -> list[socket.socket]:
    """Sockets that receive at an address of this machine; that of the address itself is first.

    CompanionError, by name, if the address cannot be used.
    """
    try:
        family, where = _find(host, port)
        listeners = [_bound(family, where)]
    except (OSError, OverflowError, UnicodeError) as error:  # the last: no name of a host
        raise CompanionError(
            f"OSC cannot listen on {host}:{port} ({error}); valid: an address of this machine and "
            "a port that nobody uses"
        ) from error
    if where[0] in ("127.0.0.1", "0.0.0.0"):
        with contextlib.suppress(OSError):  # no IPv6 here, or another program listens there
            listeners.append(_bound(socket.AF_INET6, ("::1", listeners[0].getsockname()[1])))
    return listeners


def open_sender(
    target: OscTarget, own: Sequence[SocketAddress] = ()
) -> tuple[socket.socket, SocketAddress]:
    """A socket that never waits, and where to send to; that may be everybody (broadcast).

    Args:
        target: of the preset.
        own: where the companion itself listens.

    Raises:
        CompanionError: the host is not known, or it is the companion itself, by name.
    """
    named = f"{target.host}:{target.port}"
    try:
        family, where = _find(target.host, target.port)
    except (OSError, UnicodeError) as error:
        raise CompanionError(
            f"OSC cannot send to {named} ({error}); valid: an address or the name of a machine "
            "that is known here"
        ) from error
    if any(arrives(where, place) for place in own):
        raise CompanionError(
            f"OSC cannot send to {named}: there the companion itself listens; valid: another port"
        )
    sender = socket.socket(family, socket.SOCK_DGRAM)
    sender.setblocking(False)
    if family == socket.AF_INET:
        sender.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
    return sender, where


def _find(host: str, port: int) -> tuple[socket.AddressFamily, SocketAddress]:
    found = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)
    family, _, _, _, where = min(found, key=lambda each: each[0] != socket.AF_INET)
    return family, where


def _bound(family: socket.AddressFamily, where: SocketAddress) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_DGRAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)
        listener.bind(where)
    except OSError:
        listener.close()
        raise
    return listener


def arrives(where: SocketAddress, place: SocketAddress) -> bool:
    """Whether what is sent to one address arrives at a socket that listens at another."""
    if where[1] != place[1]:
        return False
    target, listener = _address(where), _address(place)
    if target.is_unspecified:  # as a target it is this machine
        target = _LOOPBACK[target.version]
    if listener.is_unspecified:
        return listener.version in (target.version, 6) and (
            target.is_loopback or _is_of_this_machine(where)
        )
    return target == listener


def _address(where: SocketAddress) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    address = ipaddress.ip_address(where[0])
    mapped = address.ipv4_mapped if isinstance(address, ipaddress.IPv6Address) else None
    return mapped or address


def _is_of_this_machine(where: SocketAddress) -> bool:
    """Whether a socket may have the address: one of this machine's, or one of many (broadcast)."""
    family = socket.AF_INET6 if len(where) == 4 else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as probe:
            probe.bind((where[0], 0, *where[2:]))
    except OSError:
        return False
    return True
