"""A listener's browser without a screen, and the server it talks to, as somebody would start it."""

from __future__ import annotations

import http.client
import json
import os
import re
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PATIENCE_S = 60.0


@dataclass
class Served:
    """`companion listen-test serve` on a study, in a process of its own."""

    folder: Path
    port: int = 0
    process: subprocess.Popen[str] = field(init=False)
    owner: str = ""

    def start(self) -> None:
        """Start it, on the port it had before if it had one; returns when it listens."""
        words = ["listen-test", "serve", str(self.folder), "--port", str(self.port)]
        self.process = subprocess.Popen(
            [sys.executable, "-u", "-m", "companion", *words], stdout=subprocess.PIPE, text=True
        )
        assert self.process.stdout is not None
        told = [self.process.stdout.readline() for _ in range(2)]
        found = re.fullmatch(r"listeners: http://127\.0\.0\.1:(\d+)/\n", told[0])
        assert found, told
        self.port = int(found[1])
        self.owner = told[1].partition(f":{self.port}")[2].strip()

    def kill(self) -> None:
        """End it as a power cut would."""
        os.kill(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def end(self) -> int:
        """Ask it to end, as Ctrl-C does; its exit code."""
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(PATIENCE_S)


def ask(
    port: int,
    method: str,
    path: str,
    body: Any = None,
    **headers: str,
) -> tuple[int, dict[str, str], bytes]:
    """One request: status, headers, content. A body of bytes is sent as it is."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    content = body if isinstance(body, bytes | None) else json.dumps(body).encode()
    given = {} if body is None else {"Content-Type": "application/json"}
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    try:
        connection.request(method, path, content, {**given, **named})
        got = connection.getresponse()
        return got.status, {k.lower(): v for k, v in got.getheaders()}, got.read()
    finally:
        connection.close()


@dataclass
class Browser:
    """Answers as the page does: what is not confirmed is sent again, with the id it has."""

    port: int
    id: str = field(default_factory=lambda: secrets.token_hex(16))
    confirmed: dict[int, int] = field(default_factory=dict)
    retries: int = 0

    def join(self) -> dict[str, Any]:
        return self.post("/api/listeners", {"id": self.id})

    def answer(self, trial: int, value: int) -> None:
        told = {"listener": self.id, "trial": trial, "id": secrets.token_hex(16), "value": value}
        self.post("/api/answers", {**told, "seconds": 1.5, "plays": 1})
        self.confirmed[trial] = value

    def listen(self, value: Callable[[dict[str, Any]], int]) -> None:
        """Answer everything; `value` is told a trial and gives the answer to it."""
        for place, trial in enumerate(self.join()["trials"]):
            self.answer(place, value(trial))

    def post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                status, _, content = ask(self.port, "POST", path, body)
                if status == 200:
                    return json.loads(content)
                assert status == 429, (status, content)
            except (OSError, http.client.HTTPException):
                assert time.monotonic() < until
            self.retries += 1
            time.sleep(0.1)
