"""OSCQuery's server: the tree of `osc_query` over HTTP, changes over WebSocket, and both announced.

A WebSocket that has said `{"COMMAND": "LISTEN", "DATA": "/companion/..."}` is sent each new value
of that address as an OSC message, until it says `IGNORE`. Zeroconf announces `_oscjson._tcp` and
`_osc._udp`. Only programs of this machine and listed peers are answered, and no page of another
site in a browser. What it needs is an extra (`pip install "companion[stage]"`), imported in
`QueryServer` and in `osc_announcement` alone.

*Threading*: one daemon thread, `osc-query`, serves. `tell` may be called from any and never waits;
the server is opened and closed by one thread.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import Hashable
from contextlib import AsyncExitStack
from typing import Any

from companion.control.osc_announcement import announced
from companion.control.osc_out import Messages
from companion.control.osc_packet import Argument
from companion.control.osc_peers import Peers
from companion.control.osc_query import OscTree
from companion.control.osc_query_client import Client
from companion.control.osc_query_door import Door
from companion.system.errors import CompanionError

MOST_CLIENTS = 16
"""WebSockets at a time."""
MOST_CONNECTIONS = 64
MOST_COMMAND_BYTES = 4096
END_S = 1
"""How long requests may take that are under way when it ends."""


class NoQuery(CompanionError):
    """The extra is not installed."""


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
        self._clients: set[Client] = set()
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
        async with AsyncExitStack() as until_the_end:
            if self._osc_port is not None:
                here = self._socket.getsockname()[0]
                telling = announced(self._host, here, self.port, self._osc_port, self._on_announced)
                await until_the_end.enter_async_context(telling)
            until_the_end.callback(setattr, self, "_loop", None)
            await self._server.serve(sockets=[self._socket])

    def _on_announced(self) -> None:
        self.announced = True

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
            client = Client(websocket, self._tree)
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
