"""Who comes in at OSCQuery's door: this machine's programs and listed peers, no foreign web page.

A page of any site that somebody looks at can have their browser send requests to this machine. It
then names its site as the origin, or this machine by a name that is the site's: only an address in
numbers, `localhost` and names that end in `.local`, as no site's does, are answered.

*Threading*: belongs to the thread that serves.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any
from urllib.parse import urlsplit

from companion.control.osc_peers import Peers

Scope = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Any]]
Send = Callable[[Any], Awaitable[None]]


class Door:
    """An ASGI application that lets some in to another."""

    def __init__(self, app: Any, peers: Peers) -> None:
        """Let the peers in to the application."""
        self._app, self._peers = app, peers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request in, or refuse it with 403."""
        if self._may_enter(scope):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await receive()
            await send({"type": "websocket.close", "code": 1008})
        else:
            headers = [(b"content-length", b"0")]
            await send({"type": "http.response.start", "status": 403, "headers": headers})
            await send({"type": "http.response.body", "body": b""})

    def _may_enter(self, scope: Scope) -> bool:
        client = scope.get("client")
        if client is None or not self._peers.include(client[0]):
            return False
        headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
        host = headers.get(b"host", "")
        origin = headers.get(b"origin")
        return _is_here(host) and (origin is None or urlsplit(origin).netloc == host)


def _is_here(host: str) -> bool:
    """Whether a Host header names a machine as no web site can."""
    try:
        name = urlsplit(f"//{host}").hostname or ""
        if name == "localhost" or name.rstrip(".").endswith(".local"):
            return True
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
