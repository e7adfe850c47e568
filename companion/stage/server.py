"""The server: the page's files, and a WebSocket that tells what is so and takes commands.

Thirty times a second, while somebody watches, what has changed is written as JSON once and sent to
all. A page that does not keep up is left out until it does, and is then told everything.

*Threading*: one daemon thread, `stage`, runs the server. `said`, `attach` and `close` may be called
from any other.
"""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, field

import uvicorn
from starlette.applications import Starlette
from starlette.requests import HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from companion.stage.commands import MAX_CHARACTERS, Allowance, do
from companion.stage.door import Door
from companion.stage.files import PageFiles
from companion.stage.observer import LOOKS_HZ
from companion.stage.sections import Watched
from companion.stage.telling import Telling, as_json
from companion.system.errors import CompanionError, one_line

MOST_PAGES = 8
MOST_WAITING = 4
"""Messages that a page may be behind before it is left out."""
START_S, CLOSE_S, POLL_S = 10.0, 3.0, 0.01
POLICY, LATER, GONE = 1008, 1013, 1001
"""Why a WebSocket is closed: not allowed, too many, over."""
HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}


@dataclass(eq=False, slots=True)
class Client:
    """A page that watches."""

    socket: WebSocket
    waiting: asyncio.Queue[str] = field(default_factory=lambda: asyncio.Queue(MOST_WAITING))
    lags: bool = True  # whether it is to be told everything next
    lines: tuple[str, ...] | None = None  # that it was told while nothing played yet


class Server:
    """Serves from its own thread, until it is closed."""

    def __init__(self, listener: socket.socket, door: Door) -> None:
        """Serve at once.

        Args:
            listener: where; it is closed with the server.
            door: who may come in.

        Raises:
            CompanionError: the server does not start.
        """
        self._listener, self._door, self._files = listener, door, PageFiles()
        self._telling = Telling()
        self._clients: set[Client] = set()
        self._over = False
        app = Starlette(
            routes=[
                WebSocketRoute("/socket", self._socket),
                Route("/{path:path}", self._page),
            ]
        )
        self._uvicorn = uvicorn.Server(
            uvicorn.Config(
                app,
                log_config=None,
                access_log=False,
                lifespan="off",
                ws="websockets-sansio",
                ws_max_size=4 * MAX_CHARACTERS,
                ws_per_message_deflate=False,
                limit_concurrency=8 * MOST_PAGES,
                timeout_graceful_shutdown=1,
                server_header=False,
            )
        )
        self._error = "it takes too long"
        self._thread = threading.Thread(target=self._run, name="stage", daemon=True)
        self._thread.start()
        give_up_s = time.monotonic() + START_S
        while not self._uvicorn.started:
            if not self._thread.is_alive() or time.monotonic() > give_up_s:
                self.close()
                raise CompanionError(f"the stage page's server does not start: {self._error}")
            time.sleep(POLL_S)

    @property
    def watched(self) -> bool:
        """Whether a page is open; any thread may ask."""
        return bool(self._clients)

    def said(self, line: str) -> None:
        """What the terminal tells while everything is opened is on the page as well."""
        self._telling.said(line)

    def attach(self, watched: Watched) -> None:
        """This is the session from now on."""
        self._telling.attach(watched)

    def close(self) -> None:
        """Tell the pages that it is over, and serve no more; again does nothing."""
        self._over = True
        self._thread.join(CLOSE_S)
        self._uvicorn.should_exit = True
        self._thread.join(CLOSE_S)
        self._listener.close()

    # --- the server's thread -------------------------------------------------------------------

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (Exception, SystemExit) as error:
            self._error = one_line(error)

    async def _serve(self) -> None:
        telling = asyncio.create_task(self._tell_all())
        try:
            await self._uvicorn.serve(sockets=[self._listener])
        finally:
            telling.cancel()

    async def _page(self, request: Request) -> Response:
        if why := self._refusal(request, is_file=request.url.path != "/"):
            return PlainTextResponse(f"{why}\n", 403, HEADERS)
        found = self._files.find(request.url.path)
        if found is None:
            return PlainTextResponse("there is no such page; valid: /\n", 404, HEADERS)
        return Response(found.content, 200, HEADERS | found.headers, found.media_type)

    def _refusal(self, asking: HTTPConnection, is_file: bool = False) -> str:
        """Files have no secrets: they need no token, as a page's scripts cannot bring it along."""
        token = self._door.token if is_file else asking.query_params.get("token", "")
        return self._door.refusal(asking.headers, token)

    async def _socket(self, websocket: WebSocket) -> None:
        if self._refusal(websocket) or self._over:
            await websocket.close(POLICY)  # before it is accepted: HTTP 403
            return
        await websocket.accept()
        if len(self._clients) >= MOST_PAGES:
            await websocket.close(LATER, f"{MOST_PAGES} pages are open already")
            return
        client = Client(websocket)
        self._clients.add(client)
        sending = asyncio.create_task(self._send(client))
        try:
            await self._receive(client)
        except WebSocketDisconnect:
            pass
        finally:
            self._clients.discard(client)
            sending.cancel()

    async def _send(self, client: Client) -> None:
        """At the page's own pace."""
        with suppress(WebSocketDisconnect, RuntimeError):
            while True:
                await client.socket.send_text(await client.waiting.get())

    async def _receive(self, client: Client) -> None:
        allowance = Allowance()
        while True:
            text = await client.socket.receive_text()
            if not allowance.take():
                await client.socket.close(POLICY, "too many commands")
                return
            try:
                answer = await do(text, self._telling.watched)
            except CompanionError as error:
                answer = {"kind": "refused", "why": str(error)}
            if answer is not None:
                self._put(client, as_json(answer))

    # --- what is told --------------------------------------------------------------------------

    async def _tell_all(self) -> None:
        loop = asyncio.get_running_loop()
        while not self._over:
            began_s = loop.time()
            if self._clients:
                try:
                    self._tell()
                except Exception as error:  # of one look, such as a learner's: the next may do
                    self.said(one_line(error))
            await asyncio.sleep(max(0.005, began_s + 1 / LOOKS_HZ - loop.time()))
        for client in tuple(self._clients):
            with suppress(RuntimeError, WebSocketDisconnect):
                if client.socket.application_state is WebSocketState.CONNECTED:
                    await client.socket.close(GONE, "the set is over")
        self._uvicorn.should_exit = True

    def _tell(self) -> None:
        news = self._telling.look()
        if news is None:
            self._tell_lines()
            return
        whole = ""
        for client in self._clients:
            if not client.lags:
                self._put(client, news.changed)
                continue
            if not client.waiting.empty():
                continue
            whole = whole or news.everything()
            client.lags = False
            self._put(client, whole)

    def _tell_lines(self) -> None:
        lines = self._telling.lines
        for client in self._clients:
            if client.lines is not lines:
                client.lines = lines
                self._put(client, self._telling.opening())

    def _put(self, client: Client, message: str) -> None:
        """Have a page told; one that does not keep up is told everything once it does."""
        try:
            client.waiting.put_nowait(message)
        except asyncio.QueueFull:
            client.lags = True
