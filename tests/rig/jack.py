"""A JACK server of its own for a test, and the processes that play through it.

The dummy driver makes no sound but keeps time, above all that has no real-time priority. In the
default synchronous mode the server waits for every client in every period: whatever stalls, no
sample is lost, so tests may look at single samples. In real-time mode it does not wait, and what
comes too late is lost and counted.

The server is ended by its own handle, after the children that were started through it; it also
ends when the test process dies. JACK keeps a list of eight servers a machine, in which a name that
was killed holds its place until a server of that name starts again; so the names come from a small
pool, each locked while it is in use.

Import this module as ``tests.rig.jack``: plain ``jack`` is the JACK-Client package.
"""

from __future__ import annotations

import ctypes
import fcntl
import json
import os
import queue
import signal
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import IO, Any, Self

ROOT = Path(__file__).parents[2]
UP_LIMIT_S = 20.0
WAIT_S = 1.0
"""A client that goes in the wrong moment of a period is waited for ten times as long, by JACK."""
END_LIMIT_S = 10 * WAIT_S + 2
NAMES = tuple(f"companion-rig-{number}" for number in range(6))


class RigError(Exception):
    """The rig of a test broke: a server or a child did not do its part."""


class Child:
    """A Python process beside the test: JSON lines come out of it, lines of text go in.

    Its output that is not JSON and its errors are kept for the message when something breaks.
    """

    def __init__(self, arguments: list[str], environment: dict[str, str], log: Path) -> None:
        self._log = log
        self._lines: queue.Queue[str | None] = queue.Queue()
        self._name = " ".join(arguments)
        with log.open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, *arguments],
                cwd=ROOT,
                env=environment,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                text=True,
                preexec_fn=_end_with_parent,
            )
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def pid(self) -> int:
        return self._process.pid

    def _read(self) -> None:
        assert self._process.stdout is not None
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(None)

    def expect(self, key: str, limit_s: float = 60.0) -> Any:
        """Value of ``key`` in the next JSON line that has it.

        Raises:
            RigError: it does not come in time, or the process ends before.
        """
        deadline_s = time.monotonic() + limit_s
        while True:
            try:
                line = self._lines.get(timeout=max(0.0, deadline_s - time.monotonic()))
            except queue.Empty:
                raise self._broken(f"said no {key!r} for {limit_s} s") from None
            if line is None:
                raise self._broken(f"ended before it said {key!r}")
            try:
                said = json.loads(line)
            except ValueError:
                said = None
            if isinstance(said, dict) and key in said:
                return said[key]
            with self._log.open("a") as log:
                log.write(line)

    def say(self, line: str) -> None:
        """Write one line to its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.write(line + "\n")
        self._process.stdin.flush()

    def close_input(self) -> None:
        """End its standard input."""
        assert self._process.stdin is not None
        self._process.stdin.close()

    def wait(self, limit_s: float = 60.0) -> int:
        """Its exit status.

        Raises:
            RigError: it does not end in time.
        """
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise self._broken(f"did not end within {limit_s} s") from None

    def end(self) -> None:
        """End it if it still runs."""
        _end(self._process)

    def _broken(self, what: str) -> RigError:
        return RigError(f"{self._name} {what}; its log:\n{self._log.read_text()[-4000:]}")


class JackServer:
    """``jackd`` with the dummy driver; use it as a context.

    Args:
        folder: where logs go.
        real_time: do not wait for clients.
        rate: sample rate, Hz.
        period: frames a period.
        outputs: channels that the device plays.
    """

    def __init__(
        self,
        folder: Path,
        real_time: bool = False,
        rate: int = 48000,
        period: int = 256,
        outputs: int = 2,
    ) -> None:
        self.folder = folder
        self.rate = rate
        self.period = period
        self.name, self._lock = _take_name()
        self.environment = {
            **os.environ,
            "JACK_DEFAULT_SERVER": self.name,
            "JACK_NO_START_SERVER": "1",
            "JACK_NO_AUDIO_RESERVATION": "1",
            "PYTHONPATH": str(ROOT),
        }
        self._mode = [
            "-R",
            "-P",
            "70",
            *([] if real_time else ["-S", "-t", str(round(1000 * WAIT_S))]),
        ]
        self._channels = ["-P", str(outputs)]
        self._command = self._to_run()
        self._log = folder / f"{self.name}.log"
        self._process: subprocess.Popen[bytes] | None = None
        self._children: list[Child] = []

    def _to_run(self) -> list[str]:
        driver = ["-d", "dummy", "-r", str(self.rate), "-p", str(self.period), *self._channels]
        return ["jackd", "-n", self.name, *self._mode, *driver]

    def __enter__(self) -> Self:
        self.start()
        return self

    def start(self, rate: int | None = None, period: int | None = None) -> None:
        """Start it, again if it was killed, perhaps with another rate or period."""
        if rate is not None or period is not None:
            self.rate, self.period = rate or self.rate, period or self.period
            self._command = self._to_run()
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                self._command,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                preexec_fn=_end_with_parent,
            )
        try:
            self._wait_until_up(self._process)
        except BaseException:
            self.end()
            raise

    def __exit__(self, *_: object) -> None:
        for child in self._children:
            child.end()
        self.end()

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    @property
    def log(self) -> str:
        """What it has said since it was started last."""
        return self._log.read_text(errors="replace")

    def end(self) -> None:
        """End the server, whoever still plays, and what it left in shared memory."""
        if self._process is not None:
            _end(self._process)
        for left in Path("/dev/shm").glob(f"jack*_{self.name}_*"):
            left.unlink(missing_ok=True)
        self._lock.close()

    def kill(self) -> None:
        """Let the server vanish without a word to anybody, like a plug that is pulled."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def python(self, *arguments: str) -> Child:
        """Start ``python ARGUMENTS`` with this server as its JACK server."""
        log = self.folder / f"{self.name}-child-{len(self._children)}.log"
        child = Child(list(arguments), self.environment, log)
        self._children.append(child)
        return child

    def _wait_until_up(self, process: subprocess.Popen[bytes]) -> None:
        deadline_s = time.monotonic() + UP_LIMIT_S
        ask = ["jack_lsp", "-s", self.name]
        while process.poll() is None and time.monotonic() < deadline_s:
            quiet = subprocess.DEVNULL
            if not subprocess.call(ask, env=self.environment, stdout=quiet, stderr=quiet):
                return
            time.sleep(0.05)
        state = "ended" if process.poll() is not None else f"was not up within {UP_LIMIT_S} s"
        raise RigError(f"{' '.join(self._command)} {state}; its log:\n{self._log.read_text()}")


def _take_name() -> tuple[str, IO[str]]:
    """A name no other test uses now, and the lock that keeps it until it is closed."""
    deadline_s = time.monotonic() + UP_LIMIT_S
    while time.monotonic() < deadline_s:
        for name in NAMES:
            lock = (Path(tempfile.gettempdir()) / f"{name}.lock").open("w")
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                lock.close()
            else:
                return name, lock
        time.sleep(0.2)
    raise RigError(f"all of {', '.join(NAMES)} are in use by other tests")


def _end(process: subprocess.Popen[Any]) -> None:
    if process.poll() is None:
        process.terminate()
        try:
            process.wait(END_LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _end_with_parent() -> None:
    """In a child, before it runs: ask the kernel for a signal when the parent dies."""
    pr_set_pdeathsig = 1
    ctypes.CDLL(None).prctl(pr_set_pdeathsig, signal.SIGTERM)
