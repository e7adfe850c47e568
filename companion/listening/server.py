"""`companion listen-test serve`: the page, the sounds, and where answers go.

    GET  /                    the page; /page/NAME its parts
    GET  /audio/NAME          a sound of the study
    POST /api/listeners       {"id"} -> {"seconds", "trials", "answered"}: join, or go on
    POST /api/answers         {"listener", "trial", "id", "value", "seconds", "plays"} -> {"kept"}
    GET  /status?token=TOKEN  the owner's view: how far the study is

A listener is known by an id of 32 hexadecimal digits that the page draws by chance and keeps. What
comes in is bounded: sizes, kinds, numbers, how often. A page of another site cannot send answers,
nor read anything under a name that was bent to point here.

*Threading*: everything but the store runs in the thread that calls `serve`.
"""

from __future__ import annotations

import ipaddress
import json
import re
import secrets
import socket
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from contextlib import closing
from importlib import resources
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import ClientDisconnect, Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from companion.listening.answers import Answer, AnswerStore, TooManyListeners
from companion.listening.design import Trial, trials_of
from companion.listening.limits import Limit
from companion.listening.status import status_page
from companion.listening.study import ANSWERS, AUDIO, Study, read_study
from companion.system.errors import CompanionError

PAGE = {
    "index.html": "text/html",
    "style.css": "text/css",
    **dict.fromkeys(
        ("main.js", "trial.js", "sound.js", "headphones.js", "server.js", "parts.js"),
        "text/javascript",
    ),
}
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}
MOST_BYTES = 2048
"""Of a request's body."""
AT_ONCE = 512
"""Requests; more are told to come again."""
MOST_SECONDS, MOST_PLAYS = 86_400.0, 10_000
ID = re.compile(r"[0-9a-f]{32}")
Handler = Callable[[Request], Awaitable[Response]]


class Refused(Exception):
    """What a request gets that cannot be done: a status and one line."""

    def __init__(self, status: int, why: str) -> None:
        super().__init__(why)
        self.status = status


class Site:
    """What a study looks like from outside."""

    def __init__(self, folder: Path, store: AnswerStore, token: str, local: bool = True) -> None:
        """Serve the study in a folder.

        Args:
            folder: see `companion.listening.study`.
            store: where answers go.
            token: what the owner's page asks for.
            local: whether only this machine is answered.

        Raises:
            CompanionError: there is no study.
        """
        self._study: Study = read_study(folder)
        self._audio, self._store, self._token, self._local = folder / AUDIO, store, token, local
        # A room full of listeners may share one address.
        self._joins, self._answers = Limit(5.0, 100), Limit(5.0, 100)
        self.app = Starlette(
            routes=[
                Route("/", self._index),
                Route("/page/{name}", self._part),
                Route("/audio/{name}", self._sound),
                Route("/status", self._status),
                Route("/api/listeners", self._join, methods=["POST"]),
                Route("/api/answers", self._answer, methods=["POST"]),
            ],
            exception_handlers={Refused: _refusal, sqlite3.Error: _not_kept},
        )
        self.app.add_middleware(BaseHTTPMiddleware, dispatch=self._checked)

    async def _checked(self, request: Request, handle: Handler) -> Response:
        """Answer only who asks for this site by its own name, from a page of its own."""
        host = request.headers.get("host", "")
        origin = request.headers.get("origin")
        if self._local and not is_loopback(urlsplit(f"//{host}").hostname or ""):
            response: Response = PlainTextResponse("not the name of this site\n", 403)
        elif origin is not None and urlsplit(origin).netloc != host:
            response = PlainTextResponse("a page of another site\n", 403)
        else:
            response = await handle(request)
        for name, value in HEADERS.items():
            response.headers.setdefault(name, value)
        return response

    async def _index(self, request: Request) -> Response:
        return _page("index.html")

    async def _part(self, request: Request) -> Response:
        name = request.path_params["name"]
        if name not in PAGE:
            raise Refused(404, "there is no such part")
        return _page(name)

    async def _sound(self, request: Request) -> Response:
        name = request.path_params["name"]
        path = self._audio / name
        if name not in self._study.names or not path.is_file():
            raise Refused(404, "there is no such sound")
        kept = {"Cache-Control": "private, max-age=86400"}
        return FileResponse(path, media_type="audio/flac", headers=kept)

    async def _join(self, request: Request) -> Response:
        told = await _body(request, {"id": str})
        id = _id(told["id"])
        number = await run_in_threadpool(self._store.number, id)
        if number is None:
            if not self._joins.lets("all"):
                raise Refused(429, "too many listeners at once; come again in a minute")
            try:
                number = await run_in_threadpool(self._store.join, id)
            except TooManyListeners as error:
                raise Refused(503, str(error)) from error
        answered = await run_in_threadpool(self._store.of, number)
        trials = [_shown(trial) for trial in trials_of(self._study, number)]
        return JSONResponse(
            {"seconds": self._study.seconds, "trials": trials, "answered": answered}
        )

    async def _answer(self, request: Request) -> Response:
        kinds = {"listener": str, "trial": int, "id": str, "value": int, "seconds": float}
        told = await _body(request, {**kinds, "plays": int})
        listener = _id(told["listener"])
        if not self._answers.lets(listener):
            raise Refused(429, "too many answers at once; come again in a second")
        number = await run_in_threadpool(self._store.number, listener)
        if number is None:
            raise Refused(404, "nobody has joined under that id")
        trials = trials_of(self._study, number)
        trial, value = told["trial"], told["value"]
        if not 0 <= trial < len(trials):
            raise Refused(400, f"trial is {trial}; valid: 0 to {len(trials) - 1}")
        if value not in (valid := trials[trial].answers):
            raise Refused(400, f"value is {value}; valid: {valid[0]} to {valid[-1]}")
        seconds = min(max(told["seconds"], 0.0), MOST_SECONDS)
        plays = min(max(told["plays"], 0), MOST_PLAYS)
        answer = Answer(number, trial, value, _id(told["id"]), seconds, plays)
        kept = await run_in_threadpool(self._store.keep, answer)
        return JSONResponse({"kept": kept}, 409 if kept == "answered" else 200)

    async def _status(self, request: Request) -> Response:
        given = request.query_params.get("token", "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            raise Refused(403, "the owner's page needs the token that serve has printed")
        answers = await run_in_threadpool(self._store.all)
        return Response(status_page(self._study, answers), media_type="text/html")


def serve(
    folder: Path, host: str, port: int, say: Callable[[str], None], token: str | None = None
) -> None:
    """Serve the study in a folder until the process is asked to end.

    Args:
        folder: of the study; answers are kept in it.
        host: address to listen on.
        port: 0 for any that is free.
        say: is told the addresses.
        token: of the owner's page; by default one drawn by chance.

    Raises:
        CompanionError: there is no study, or nobody may listen on that address.
    """
    token = token or secrets.token_urlsafe(12)
    read_study(folder)
    with closing(AnswerStore(folder / ANSWERS)) as store, listening(host, port) as opened:
        site = Site(folder, store, token, local=is_loopback(host))
        name, number = opened.getsockname()[:2]
        shown = f"[{name}]" if ":" in name else name
        say(f"listeners: http://{shown}:{number}/")
        say(f"owner: http://{shown}:{number}/status?token={token}")
        config = uvicorn.Config(
            site.app,
            log_level="warning",
            access_log=False,
            server_header=False,
            limit_concurrency=AT_ONCE,
            timeout_graceful_shutdown=2,
            lifespan="off",
        )
        uvicorn.Server(config).run(sockets=[opened])


def listening(host: str, port: int) -> socket.socket:
    """A socket that listens; CompanionError if it cannot."""
    try:
        family = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0][0]
        return socket.create_server((host, port), family=family, backlog=AT_ONCE)
    except (OSError, OverflowError) as error:
        raise CompanionError(
            f"cannot listen on {host}, port {port} ({getattr(error, 'strerror', None) or error}); "
            "valid: an address of this machine and a free port"
        ) from error


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, which nobody else reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _page(name: str) -> Response:
    content = resources.files("companion.listening").joinpath("page", name).read_bytes()
    return Response(content, media_type=PAGE[name])


def _shown(trial: Trial) -> Mapping[str, object]:
    """What a listener is told of a trial: not what it is for, but where it is practice."""
    told = {"kind": trial.kind, "sounds": trial.sounds, "practice": trial.practice}
    return {**told, "expected": trial.expected} if trial.practice else told


async def _body(request: Request, kinds: Mapping[str, type]) -> dict[str, Any]:
    """The JSON of a request: these keys, of these kinds."""
    if request.headers.get("content-type", "").split(";")[0].strip() != "application/json":
        raise Refused(415, "valid: application/json")
    content = bytearray()
    try:
        async for chunk in request.stream():
            content += chunk
            if len(content) > MOST_BYTES:
                raise Refused(413, f"valid: {MOST_BYTES} bytes at most")
    except ClientDisconnect as error:
        raise Refused(400, "the sender has gone") from error
    try:
        told = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise Refused(400, "valid: JSON") from error
    if not isinstance(told, dict) or told.keys() != kinds.keys():
        raise Refused(400, f"valid: the keys {', '.join(kinds)}")
    for key, kind in kinds.items():
        value = told[key]
        if isinstance(value, bool) or not isinstance(
            value, (int, float) if kind is float else kind
        ):
            raise Refused(400, f"{key} is no {kind.__name__}")
        if isinstance(value, (int, float)) and not abs(value) < 1e9:  # NaN is not
            raise Refused(400, f"{key} is out of range")
    return told


def _id(text: str) -> str:
    if not ID.fullmatch(text):
        raise Refused(400, "valid: an id of 32 hexadecimal digits")
    return text


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"error": str(error)}, error.status)


async def _not_kept(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"not kept: {error}"}, 503)
