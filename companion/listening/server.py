"""`companion listen-test serve`: gives a study to whoever opens the page, until it is ended."""

from __future__ import annotations

import secrets
import socket
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import uvicorn

from companion.listening.answers import AnswerStore
from companion.listening.site import Site, is_loopback
from companion.listening.study import ANSWERS, read_study
from companion.system.errors import CompanionError

AT_ONCE = 512
"""Requests; more are told to come again."""


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
