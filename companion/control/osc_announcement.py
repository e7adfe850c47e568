"""Where OSCQuery and OSC are, announced in the network by zeroconf.

*Threading*: belongs to the thread that serves; zeroconf works in its loop.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import socket
from collections.abc import AsyncIterator, Callable

from companion.control.osc_query import NAME

SERVICES = ("_oscjson._tcp.local.", "_osc._udp.local.")


@contextlib.asynccontextmanager
async def announced(
    host: str, address: str, query_port: int, osc_port: int, done: Callable[[], None]
) -> AsyncIterator[None]:
    """Announce both as long as the context lasts; where there is no network, do without.

    Args:
        host: what is listened on, of the preset: an address, or every one of this machine.
        address: the same as the socket has it.
        query_port: of HTTP.
        osc_port: of UDP.
        done: called when both are announced.
    """
    task = asyncio.create_task(_announce(host, address, (query_port, osc_port), done))
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


async def _announce(
    host: str, address: str, ports: tuple[int, int], done: Callable[[], None]
) -> None:
    from zeroconf import Error, InterfaceChoice
    from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

    everywhere = host in ("0.0.0.0", "::", "")
    own = own_addresses() if everywhere else [address]
    try:
        zeroconf = AsyncZeroconf(interfaces=InterfaceChoice.Default if everywhere else own)
    except (OSError, ValueError, Error):
        return
    try:
        for service, port in zip(SERVICES, ports, strict=True):
            info = AsyncServiceInfo(
                service,
                f"{NAME}.{service}",
                port=port,
                parsed_addresses=own,
                server=f"{NAME}-{socket.gethostname().split('.')[0]}.local.",
            )
            await (await zeroconf.async_register_service(info, allow_name_change=True))
        done()
        await asyncio.Event().wait()
    except (OSError, ValueError, Error):
        pass
    finally:
        await zeroconf.async_close()


def own_addresses() -> list[str]:
    """This machine's addresses in networks, of IPv4."""
    from ifaddr import get_adapters

    found = [str(ip.ip) for adapter in get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [each for each in found if not ipaddress.ip_address(each).is_loopback]
