"""What a study looks like from outside: the page, the sounds, and where answers go.

    GET  /                    the page; /page/NAME its parts
    GET  /audio/NAME          a sound of the study
    POST /api/listeners       {"id"} -> {"seconds", "trials", "answered"}: join, or go on
    POST /api/answers         {"listener", "trial", "id", "value", "seconds", "plays"} -> {"kept"}
    GET  /status?token=TOKEN  the owner's view: how far the study is

A listener is known by an id of 32 hexadecimal digits that the page draws by chance and keeps. What
comes in is bounded: sizes, kinds, numbers, how often. A page of another site cannot send answers,
nor read anything under a name that was bent to point here.

*Threading*: everything but the store runs in the server's thread.
"""

from __future__ import annotations

import ipaddress
import secrets
import sqlite3
from collections.abc import Awaitable, Callable, Mapping
from importlib import resources
from pathlib import Path
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.requests import Request
from starlette.responses import FileResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from companion.listening.answers import Answer, AnswerStore, TooManyListeners
from companion.listening.body import Refused, checked_id, read_body
from companion.listening.design import Trial, trials_of
from companion.listening.limits import Limit
from companion.listening.status import status_page
from companion.listening.study import AUDIO, Study, read_study

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
MOST_SECONDS, MOST_PLAYS = 86_400.0, 10_000
Handler = Callable[[Request], Awaitable[Response]]


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
        origin = request.headers.get("origin", f"http://{host}")
        if self._local and not is_loopback(_hostname(host)):
            response: Response = PlainTextResponse("not the name of this site\n", 403)
        elif origin.partition("://")[2] != host:
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
        told = await read_body(request, {"id": str})
        id = checked_id(told["id"])
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
        told = await read_body(request, {**kinds, "plays": int})
        listener = checked_id(told["listener"])
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
        answer = Answer(number, trial, value, checked_id(told["id"]), seconds, plays)
        kept = await run_in_threadpool(self._store.keep, answer)
        return JSONResponse({"kept": kept}, 409 if kept == "answered" else 200)

    async def _status(self, request: Request) -> Response:
        given = request.query_params.get("token", "")
        if not secrets.compare_digest(given.encode(), self._token.encode()):
            raise Refused(403, "the owner's page needs the token that serve has printed")
        shown = await run_in_threadpool(lambda: status_page(self._study, self._store.all()))
        return Response(shown, media_type="text/html")


def is_loopback(host: str) -> bool:
    """Whether a name or an address is this machine's own, which nobody else reaches."""
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _hostname(host: str) -> str:
    """The name in a Host header, without the port; empty if there is none."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:  # brackets without an end
        return ""


def _page(name: str) -> Response:
    content = resources.files("companion.listening").joinpath("page", name).read_bytes()
    return Response(content, media_type=PAGE[name])


def _shown(trial: Trial) -> Mapping[str, object]:
    """What a listener is told of a trial: not what it is for, but where it is practice."""
    told = {"kind": trial.kind, "sounds": trial.sounds, "practice": trial.practice}
    return {**told, "expected": trial.expected} if trial.practice else told


async def _refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, Refused)
    return JSONResponse({"error": str(error)}, error.status)


async def _not_kept(request: Request, error: Exception) -> Response:
    return JSONResponse({"error": f"not kept: {error}"}, 503)
