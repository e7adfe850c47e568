"""The stage page: how long a command takes to the knob, a knob to the page, and what it costs.

    python -m benchmarks.stage [--seconds 30]
    python -m benchmarks.stage --view     # what the view in a terminal costs
    python -m benchmarks.stage --jack     # what the audio loses beside no page, one, and eight

A band plays at real speed with the stand-in's rhythm; the page is another process, with a WebSocket
of its own. Both stamp what they do by the machine's monotonic clock. The processor share is that of
the server's thread with one page open, and what a look costs the session in its tick; the
interpreter's lock is held for no longer than both. Beside it stands the machine's own floor: how
late it wakes a process that only sleeps. `--jack` starts a JACK server of its own in real time, 256
frames at 48 kHz, and needs `jackd2` and `rt-tests`. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import pty
import struct
import subprocess
import sys
import tempfile
import termios
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from fcntl import ioctl
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from typing import Any

import numpy as np
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

from benchmarks.lock_hog import count
from companion.device.wire import Wanted
from companion.session.rig import open_device
from companion.stage.server import MOST_PAGES
from tests.companion.page import Performance, performing
from tests.companion.terminal.viewing import told_by
from tests.rig.jack import JackServer

EACH_S = 0.05
TICKS_HZ = os.sysconf("SC_CLK_TCK")
LEAST, MOST = 0.2, 1.8
Stamps = dict[float, float]
"""A knob's value, each only once, and when it was seen."""


def page(url: str, seconds: float, told: Connection) -> None:
    """Another process: turn one knob, and watch another."""
    sent: Stamps = {}
    seen: Stamps = {}
    messages, characters, seen_last = 0, 0, None
    origin: Any = url.rstrip("/")
    with connect(f"ws{origin[4:]}/socket", origin=origin) as socket:
        begun, due = time.monotonic(), time.monotonic()
        told.send("open")
        while (now := time.monotonic()) < begun + seconds:
            if now >= due:
                due += EACH_S
                value = LEAST + (MOST - LEAST) * len(sent) / (seconds / EACH_S)
                command = {"set": "randomness", "player": "bass", "value": value}
                sent[value] = time.monotonic()
                socket.send(json.dumps(command))
            try:
                text = socket.recv(max(0.0, due - time.monotonic()))
            except TimeoutError:
                continue
            at_s = time.monotonic()
            messages, characters = messages + 1, characters + len(text)
            message = json.loads(text)
            knobs = message.get("knobs") or message.get("state", {}).get("knobs")
            if knobs is not None and knobs["keys"]["randomness"] != seen_last:
                seen_last = knobs["keys"]["randomness"]
                seen[seen_last] = at_s
    told.send((sent, seen, messages / seconds, characters / seconds))


def watch(url: str, pages: int, told: Connection) -> None:
    """Another process: so many pages that only watch, until the server goes."""
    told.send("open")

    def drain() -> None:
        origin: Any = url.rstrip("/")
        with suppress(ConnectionClosed), connect(f"ws{origin[4:]}/socket", origin=origin) as socket:
            for _ in socket:
                pass

    for _ in range(pages):
        threading.Thread(target=drain).start()


def sleep_late(seconds: float, told: Connection) -> None:
    """Another process: how late it is woken, every 5 ms."""
    late_s, until_s = [], time.monotonic() + seconds
    while (now := time.monotonic()) < until_s:
        time.sleep(0.005)
        late_s.append(time.monotonic() - now - 0.005)
    told.send(late_s)


def started(target: Callable[..., None], *given: Any) -> tuple[BaseProcess, Connection]:
    """Another process, and what it tells."""
    ours, theirs = multiprocessing.Pipe()
    process = multiprocessing.get_context("spawn").Process(target=target, args=(*given, theirs))
    process.start()
    return process, ours


def measure(playing: Performance, seconds: float) -> list[str]:
    """Both ways and the cost, a line each."""
    store = playing.session.store
    reached: Stamps = {}
    moved: Stamps = {}
    set_knob = store.set

    def stamped(name: str, value: Any, player: str | None, source: str, **more: Any) -> None:
        set_knob(name, value, player, source, **more)
        if source == "page":
            reached[value] = time.monotonic()

    store.set = stamped  # type: ignore[method-assign]
    client, ours = started(page, playing.stage.url, seconds)
    assert ours.recv() == "open"
    sleeper, lateness = started(sleep_late, seconds / 2)
    server = next(each for each in threading.enumerate() if each.name == "stage")
    began_s, spent_s = time.monotonic(), thread_s(server.native_id)
    while not ours.poll(EACH_S):
        value = MOST - (MOST - LEAST) * len(moved) / (2 * seconds / EACH_S)
        moved[value] = time.monotonic()
        set_knob("randomness", value, "keys", "benchmark")
    share = (thread_s(server.native_id) - spent_s) / (time.monotonic() - began_s)
    sent, seen, messages, characters = ours.recv()
    late = lateness.recv()
    client.join()
    sleeper.join()
    there = [reached[value] - at_s for value, at_s in sent.items() if value in reached]
    back = [at_s - moved[value] for value, at_s in seen.items() if value in moved]
    return [
        f"page to store: {percentiles(there)}, {len(sent) - len(there)} of {len(sent)} not there",
        f"store to page: {percentiles(back)}, of {len(back)} that were told",
        f"told: {messages:.0f} messages and {characters / 1000:.1f} kB a second",
        f"the server's thread: {share:.2%} of a core",
        f"the machine wakes a process late by {percentiles(late)}",
    ]


def view_lines(playing: Performance, seconds: float) -> list[str]:
    """What it costs to tell the view, and the process that draws it, on 140 by 45 characters."""
    main, terminal = pty.openpty()
    ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", 45, 140, 0, 0))
    written = [0]

    def drain() -> None:
        with suppress(OSError):
            while drawn := os.read(main, 1 << 16):
                written[0] += len(drawn)

    with told_by(playing, []) as link:
        drawing = subprocess.Popen(
            [sys.executable, "-m", "companion.terminal.child", str(link.fileno())],
            pass_fds=[link.fileno()],
            **dict.fromkeys(("stdin", "stdout", "stderr"), terminal),  # type: ignore[arg-type]
            env=os.environ | {"TERM": "xterm-256color"},
        )
        os.close(terminal)
        threading.Thread(target=drain, daemon=True).start()
        while not written[0]:
            time.sleep(EACH_S)
        time.sleep(2.0)
        teller = next(each for each in threading.enumerate() if each.name == "view")
        process = f"{drawing.pid}/task/{drawing.pid}"
        before = time.monotonic(), thread_s(teller.native_id), thread_s(process), written[0]
        time.sleep(seconds)
        after = time.monotonic(), thread_s(teller.native_id), thread_s(process), written[0]
        took_s, told_s, drawn_s, characters = np.subtract(after, before)
    drawing.wait()
    return [
        f"the view's thread: {told_s / took_s:.2%} of a core",
        f"the process that draws it: {drawn_s / took_s:.1%} of a core, "
        f"{characters / took_s / 1000:.1f} kB a second to the terminal",
    ]


def look_line(looks_s: Sequence[float], seconds: float) -> str:
    """What looking costs the session."""
    each = np.array([spent for spent in looks_s if spent > 5e-5])
    share = sum(looks_s) / seconds
    return f"a look of the session: {percentiles(each)}, {share:.2%} of a core"


def percentiles(spans_s: Sequence[float] | np.ndarray) -> str:
    """The middle, and what one of a hundred is beyond."""
    middle, late = np.percentile(spans_s, [50, 99]) if len(spans_s) else (np.nan, np.nan)
    return f"p50 {1000 * middle:.2f} ms, p99 {1000 * late:.2f} ms"


def thread_s(task: int | str | None) -> float:
    """Processor time that a thread has taken: of this process by its number, or of another."""
    place = task if isinstance(task, str) else f"self/task/{task}"
    with open(f"/proc/{place}/stat") as file:
        fields = file.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS_HZ


def beside_audio(seconds: float) -> None:
    """What a JACK client loses, with so many pages open."""
    with tempfile.TemporaryDirectory() as folder, JackServer(Path(folder), real_time=True) as jack:
        os.environ.update(jack.environment)
        for pages in (0, 1, MOST_PAGES):
            rig = open_device(3, Wanted())
            assert rig.supervisor is not None
            rig.stream.start()
            with performing(bpm=120, rig=rig) as playing:
                watcher, ours = started(watch, playing.stage.url, pages)
                assert ours.recv() == "open"
                time.sleep(2.0)
                print(f"{pages} pages: {count(rig.supervisor, seconds)}", flush=True)
            watcher.join()


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--seconds", type=float, default=30.0)
    parser.add_argument("--jack", action="store_true")
    parser.add_argument("--view", action="store_true")
    asked = parser.parse_args()
    seconds: float = asked.seconds
    if asked.jack:
        beside_audio(seconds)
        return
    looks_s: list[float] = []
    with performing(bpm=120, looks_s=looks_s) as playing:
        time.sleep(5.0)
        looks_s.clear()
        for line in (view_lines if asked.view else measure)(playing, seconds):
            print(line)
        if not asked.view:
            print(look_line(looks_s, seconds))
    print(f"load: {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors")


if __name__ == "__main__":
    main()
