"""OSCQuery's server: the tree of `osc_query` over HTTP, changes over WebSocket, and both announced.

A WebSocket that has said `{"COMMAND": "LISTEN", "DATA": "/companion/..."}` is sent each new value
of that address as an OSC message, until it says `IGNORE`. Zeroconf announces `_oscjson._tcp` and
`_osc._udp`. Only programs of this machine and listed peers are answered, and no page of another
site in a browser. What it needs is an extra (`pip install "companion[stage]"`), imported in
`QueryServer` alone.

*Threading*: one daemon thread, `osc-query`, serves. `tell` may be called from any and never waits;
the server is opened and closed by one thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import ipaddress
import json
import socket
import threading
from collections.abc import Hashable
from typing import Any

from pythonosc.osc_message_builder import OscMessageBuilder

from companion.control.osc_out import Messages
from companion.control.osc_packet import Argument
from companion.control.osc_peers import Peers
from companion.control.osc_query import NAME, OscTree
from companion.control.osc_query_door import Door
from companion.system.errors import CompanionError

MOST_CLIENTS = 16
"""WebSockets at a time."""
MOST_CONNECTIONS = 64
MOST_COMMAND_BYTES = 4096
END_S = 1
"""How long requests may take that are under way when it ends."""
SERVICES = ("_oscjson._tcp.local.", "_osc._udp.local.")


class NoQuery(CompanionError):
    """The extra is not installed."""


class _Client:
    """A WebSocket: what it listens to, and what it is still to be sent."""

    def __init__(self, websocket: Any, tree: OscTree) -> None:
        self._websocket, self._tree = websocket, tree
        self._listens: set[str] = set()
        self._news: dict[str, tuple[Argument, ...]] = {}  # the last of each address
        self._wake = asyncio.Event()

    def hear(self, news: dict[str, tuple[Argument, ...]]) -> None:
        mine = {address: told for address, told in news.items() if address in self._listens}
        if mine:
            self._news |= mine
            self._wake.set()

    def command(self, text: str) -> None:
        """LISTEN or IGNORE an address; anything else says nothing to us."""
        try:
            said = json.loads(text)
        except (ValueError, RecursionError):
            return
        if not isinstance(said, dict):
            return
        command, address = said.get("COMMAND"), said.get("DATA")
        if isinstance(address, str) and address in self._tree.places:
            if command == "LISTEN":
                self._listens.add(address)
            elif command == "IGNORE":
                self._listens.discard(address)

    async def send(self) -> None:
        """Send what it listens to, until it is cancelled."""
        while True:
            await self._wake.wait()
            self._wake.clear()
            news, self._news = self._news, {}
            for address, told in news.items():
                await self._websocket.send_bytes(_message(address, told))


class QueryServer:
    """Answers OSCQuery at a TCP port.

    Attributes:
        port: of HTTP and of WebSockets.
        announced: whether zeroconf has announced it yet.
    """

    def __init__(
        self, tree: OscTree, host: str, port: int, peers: Peers, osc_port: int | None = None
    ) -> None:
        """Answer at once.

        Args:
            tree: what there is to answer.
            host: an address of this machine.
            port: 0 for any that is free.
            peers: who is answered.
            osc_port: at which OSC is received, to announce it; None announces nothing.

        Raises:
            NoQuery: what it needs is not installed.
            CompanionError: the address cannot be used, by name.
        """
        try:
            import uvicorn
        except ImportError as error:
            raise NoQuery(
                f'OSCQuery needs {error.name}; valid: pip install "companion[stage]"'
            ) from error
        self._tree, self._host, self._osc_port = tree, host, osc_port
        self._socket = _bound(host, port)
        self.port = int(self._socket.getsockname()[1])
        self._lock = threading.Lock()
        self._news: dict[str, tuple[Argument, ...]] = {}  # heard, and not yet told to clients
        self._clients: set[_Client] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.announced = False
        config = uvicorn.Config(
            Door(self._app(), peers),
            log_config=None,
            log_level="critical",
            access_log=False,
            lifespan="off",
            proxy_headers=False,
            server_header=False,
            limit_concurrency=MOST_CONNECTIONS,
            ws_max_size=MOST_COMMAND_BYTES,
            ws_per_message_deflate=False,  # nothing that unpacks to more than was sent
            timeout_graceful_shutdown=END_S,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._serve, name="osc-query", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Where a browser finds it."""
        return f"http://{self._host}:{self.port}"

    def tell(self, messages: Messages, by: Hashable = None) -> None:
        """Have the clients told that listen; they are programs, and told what they did as well."""
        loop = self._loop
        if not self._clients or loop is None:
            return
        with self._lock:
            waiting = bool(self._news)
            self._news.update((address, tuple(told)) for address, told in messages)
        if not waiting:
            with contextlib.suppress(RuntimeError):  # it has just been closed
                loop.call_soon_threadsafe(self._spread)

    def close(self) -> None:
        """Answer no more; again does nothing."""
        self._server.should_exit = True
        self._thread.join()
        self._socket.close()

    def _spread(self) -> None:
        with self._lock:
            news, self._news = self._news, {}
        for client in self._clients:
            client.hear(news)

    def _serve(self) -> None:
        with contextlib.suppress(OSError, SystemExit):  # that is how uvicorn says that it failed
            asyncio.run(self._run())

    async def _run(self) -> None:
        self._loop = asyncio.get_running_loop()
        announcing = asyncio.create_task(self._announce())
        try:
            await self._server.serve(sockets=[self._socket])
        finally:
            self._loop = None
            announcing.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await announcing

    async def _announce(self) -> None:
        """Announce where it is until it is cancelled; where there is no network, do without."""
        if self._osc_port is None:
            return
        from zeroconf import Error, InterfaceChoice
        from zeroconf.asyncio import AsyncServiceInfo, AsyncZeroconf

        everywhere = self._host in ("0.0.0.0", "::", "")
        own = _own_addresses() if everywhere else [self._socket.getsockname()[0]]
        interfaces = InterfaceChoice.Default if everywhere else own
        try:
            zeroconf = AsyncZeroconf(interfaces=interfaces)
        except (OSError, ValueError, Error):
            return
        try:
            for service, port in zip(SERVICES, (self.port, self._osc_port), strict=True):
                info = AsyncServiceInfo(
                    service,
                    f"{NAME}.{service}",
                    port=port,
                    parsed_addresses=own,
                    server=f"{NAME}-{socket.gethostname().split('.')[0]}.local.",
                )
                await (await zeroconf.async_register_service(info, allow_name_change=True))
            self.announced = True
            await asyncio.Event().wait()
        except (OSError, ValueError, Error):
            pass
        finally:
            self.announced = False
            await zeroconf.async_close()

    def _app(self) -> Any:
        from starlette.applications import Starlette
        from starlette.requests import Request
        from starlette.responses import JSONResponse, Response
        from starlette.routing import Route, WebSocketRoute
        from starlette.websockets import WebSocket, WebSocketDisconnect

        async def answer(request: Request) -> Response:
            status, content = self._tree.answer(request.scope["path"], request.url.query)
            return Response(status_code=status) if content is None else JSONResponse(content)

        async def listen(websocket: WebSocket) -> None:
            if len(self._clients) >= MOST_CLIENTS:
                await websocket.close(1013)
                return
            await websocket.accept()
            client = _Client(websocket, self._tree)
            self._clients.add(client)
            sending = asyncio.create_task(client.send())
            try:
                while True:
                    said = await websocket.receive()
                    if said["type"] == "websocket.disconnect":
                        break
                    client.command(said.get("text") or "")
            except WebSocketDisconnect:
                pass
            finally:
                self._clients.discard(client)
                sending.cancel()
                with contextlib.suppress(asyncio.CancelledError, Exception):
                    await sending

        everything = "/{path:path}"
        return Starlette(routes=[Route(everything, answer), WebSocketRoute(everything, listen)])


def _bound(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        family, _, _, _, where = min(found, key=lambda each: each[0] != socket.AF_INET)  # as OSC
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(where)
            listener.listen(MOST_CONNECTIONS)  # who comes before the thread is there waits for it
        except OSError:
            listener.close()
            raise
    except (OSError, OverflowError, UnicodeError) as error:
        raise CompanionError(
            f"OSCQuery cannot listen on {host}:{port} ({error}); valid: as osc.query a port that "
            "nobody uses"
        ) from error
    return listener


def _own_addresses() -> list[str]:
    """This machine's addresses in networks, of IPv4."""
    from ifaddr import get_adapters

    found = [str(ip.ip) for adapter in get_adapters() for ip in adapter.ips if ip.is_IPv4]
    return [each for each in found if not ipaddress.ip_address(each).is_loopback]


def _message(address: str, told: tuple[Argument, ...]) -> bytes:
    """An OSC message, with a switch as true or false, as the tree has it."""
    message = OscMessageBuilder(address)
    for each in told:
        message.add_arg(each)
    return message.build().dgram
