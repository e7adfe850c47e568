"""A jam in a process of its own: started as a musician starts it, watched through what it leaves.

Nothing of the companion runs in the test's process: the jam is told what to do by its command line,
by signals, MIDI and OSC, and is judged by its exit status, what it printed, and its take.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import numpy as np
import soundfile

from companion.take.events import read_events, start_of
from companion.take.tempo_map import TempoMap, tempo_map
from tests.rig.jack import ROOT, JackServer, RigError

START_LIMIT_S = 90.0  # a first run compiles the callback, and the model is warmed up
END_LIMIT_S = 30.0
KILL_LIMIT_S = 5.0
STEADY_S = 1.0
"""What will sound within a third of a second stays where it was laid, whatever the tempo does."""


def is_like(event: dict[str, Any], kind: str, values: dict[str, Any]) -> bool:
    """Whether an event is of a type and has these values."""
    return event["type"] == kind and all(event.get(key) == values[key] for key in values)


class Jam:
    """``python -m companion.cli.app jam ARGUMENTS``; use it as a context.

    Args:
        server: the JACK server it plays through.
        arguments: of the command, without the folder for takes.
    """

    def __init__(self, server: JackServer, *arguments: str) -> None:
        self.takes = server.folder / "takes"
        self._seen: list[dict[str, Any]] = []
        self._read = 0  # bytes of the log
        self._out = server.folder / "jam.out"
        self._error = server.folder / "jam.err"
        command = [sys.executable, "-m", "companion.cli.app", "jam", *arguments]
        with self._out.open("wb") as out, self._error.open("wb") as error:
            self._process = subprocess.Popen(
                [*command, "--takes", str(self.takes)],
                cwd=ROOT,
                env={**server.environment, "COLUMNS": "200"},
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=error,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(KILL_LIMIT_S)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def printed(self) -> str:
        """Its standard output so far."""
        return self._out.read_text()

    @property
    def errors(self) -> str:
        """Its standard error so far."""
        return self._error.read_text()

    def wait_event(
        self, kind: str, after: int = -1, limit_s: float = START_LIMIT_S, **values: Any
    ) -> int:
        """Wait until the log has an event of a type with these values after line ``after``.

        Returns:
            Its line, from 0.

        Raises:
            RigError: it does not come in time, or the jam ends before.
        """
        deadline_s = time.monotonic() + limit_s
        looked = 0
        while True:
            ended = self._process.poll() is not None
            events = self._events()
            for line in range(max(looked, after + 1), len(events)):
                if is_like(events[line], kind, values):
                    return line
            looked = len(events)
            if ended or time.monotonic() > deadline_s:
                what = "ended before" if ended else f"took over {limit_s:g} s to come to"
                raise self._broken(f"{what} {kind!r} {values or ''}")
            time.sleep(0.02)

    def event(self, line: int) -> dict[str, Any]:
        """One line of its log, from 0."""
        return self._events()[line]

    def interrupt(self) -> None:
        """Ctrl-C: as from a terminal, the jam and all its children get the signal."""
        os.killpg(self._process.pid, signal.SIGINT)

    def wait(self, limit_s: float = END_LIMIT_S) -> int:
        """Its exit status."""
        try:
            return self._process.wait(limit_s)
        except subprocess.TimeoutExpired:
            raise self._broken(f"did not end within {limit_s:g} s") from None

    def take(self) -> TakeRead:
        """The take it has written; RigError if there is not exactly one."""
        folders = list(self.takes.iterdir()) if self.takes.is_dir() else []
        if len(folders) != 1:
            raise self._broken(f"has left {len(folders)} takes")
        return TakeRead(folders[0])

    def _events(self) -> list[dict[str, Any]]:
        """All so far; only what is new is read, since a test must not load the machine."""
        files = list(self.takes.glob("*/events.jsonl"))
        if files:
            with files[0].open("rb") as file:
                file.seek(self._read)
                whole, _, _ = file.read().rpartition(b"\n")
            if whole:
                self._read += len(whole) + 1
                self._seen += map(json.loads, whole.splitlines())
        return self._seen

    def _broken(self, what: str) -> RigError:
        events = "\n".join(map(json.dumps, self._events()[-10:]))
        return RigError(
            f"the jam {what}; it printed:\n{self.printed[-2000:]}\n{self.errors[-4000:]}\n"
            f"its last events:\n{events}"
        )


@dataclass(frozen=True)
class TakeRead:
    """A take as it lies on disk."""

    folder: Path

    @property
    def events(self) -> list[dict[str, Any]]:
        """Every line of its log."""
        return [json.loads(line) for line in (self.folder / "events.jsonl").open()]

    def of(self, kind: str, **values: Any) -> list[dict[str, Any]]:
        """The events of a type that have these values."""
        return [event for event in self.events if is_like(event, kind, values)]

    def audio(self, name: str) -> np.ndarray:
        """One of its files, float32 [n]; that of two channels [n, 2]."""
        samples, _ = soundfile.read(self.folder / f"{name}.wav", dtype="float32")
        assert samples.ndim == (2 if name == "input-stereo" else 1)
        return samples

    def line(self, bar: int) -> int:
        """Where a bar really started, in samples of the files.

        A server that stands still loses time, which is made good by bending the tempo a little.
        """
        return round(self._tempo.bar_s(bar) * self.events[0]["rate"])

    def steady(self, bar: int) -> bool:
        """Whether the tempo was left alone while a bar's stem was about to sound."""
        at_s = self._tempo.bar_s(bar)
        return not any(at_s - STEADY_S < e["time_s"] < at_s + 0.1 for e in self.of("tempo"))

    @property
    def _tempo(self) -> TempoMap:
        events = read_events(self.folder / "events.jsonl")
        begun = start_of(events)
        assert begun is not None
        return tempo_map(begun, events)

    @property
    def pace(self) -> str:
        """How well it kept up, for a person to read."""
        slack = sorted(plan["slack_s"] for plan in self.of("plan"))
        if not slack:
            return "no plan"
        return (
            f"{len(slack)} plans, slack {slack[0]:.2f} / {slack[len(slack) // 2]:.2f} / "
            f"{slack[-1]:.2f} s (least / median / most), "
            f"{len(self.of('plan failed'))} failed, {len(self.of('incident'))} incidents"
        )
