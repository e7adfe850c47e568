"""How long OSC takes, measured from outside: to the knobs, and to another program.

    python -m benchmarks.osc_latency [MESSAGES]

The companion's OSC and a session's ticks run in a process of their own. A knob is sent with a ping
behind it: when the pong is there, the knob has been turned. Another program has subscribed, and the
time until it is told, at the session's next tick (10 ms), is measured too.
"""

from __future__ import annotations

import socket
import subprocess
import sys
import time
from contextlib import closing
from fractions import Fraction
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from pythonosc.osc_message_builder import build_msg

from companion.clock.transport import Transport
from companion.control.osc import OscServer
from companion.control.osc_out import OscSender
from companion.control.osc_packet import read_packet
from companion.control.preset import OscPreset
from companion.control.store import ParameterStore
from companion.players.desk import Desk
from companion.players.journal import Journal
from companion.players.metrics import Metrics
from companion.session.osc_feed import OscFeed
from companion.session.ticks import TICK_S

RATE = 48_000
PAUSE_S = 0.01
PATIENCE_S = 5.0


def serve() -> None:
    """The companion's side, until its input ends."""
    store = ParameterStore({}, {"bass": {}, "drums": {}, "keys": {}})
    transport = Transport(RATE, Fraction(120), 0)
    meters = SimpleNamespace(input=0.1, output=0.1, voices=(0.0, 0.1, 0.1, 0.1))
    memory = SimpleNamespace(meters=meters)
    journal = Journal(None, transport, 0)
    desk = Desk(memory, transport, store, journal, Metrics())  # type: ignore[arg-type]
    with closing(OscServer(store, OscPreset(port=0))) as server:
        ears = (server.subscribers, server.latest)
        feed = OscFeed(OscSender((), server.places, ears), desk)
        print(server.port, flush=True)
        began = time.monotonic()
        while time.monotonic() < began + 600.0:
            for change in store.drain():
                feed.turned(change)
            feed.tick(round((time.monotonic() - began) * RATE))
            time.sleep(TICK_S)


def until(client: socket.socket, address: str, value: float | None = None) -> float:
    """When a message was there."""
    while True:
        for heard, arguments in read_packet(client.recv(65536)):
            if heard == address and value in (None, *arguments):
                return time.perf_counter()


def main() -> None:
    """Print the figures."""
    if sys.argv[1:] == ["serve"]:
        serve()
        return
    messages = int((sys.argv[1:] or ["1000"])[0])
    words = [sys.executable, "-m", "benchmarks.osc_latency", "serve"]
    root = Path(__file__).parents[1]
    process = subprocess.Popen(words, stdout=subprocess.PIPE, text=True, cwd=root)
    try:
        assert process.stdout is not None
        to = "127.0.0.1", int(process.stdout.readline())
        turned, told = measure(to, messages)
    finally:
        process.kill()
        process.wait()
    print(f"{messages} messages           p50      p99      most")
    for name, times in (("to the knobs and back", turned), ("to another program", told)):
        p50, p99, most = np.percentile(np.array(times) * 1e3, [50, 99, 100])
        print(f"{name:22} {p50:6.2f}   {p99:6.2f}   {most:6.2f} ms")


def measure(to: tuple[str, int], messages: int) -> tuple[list[float], list[float]]:
    """Seconds until each message has turned its knob, and until another program is told of it."""
    kind = socket.AF_INET, socket.SOCK_DGRAM
    turned, told = list[float](), list[float]()
    with socket.socket(*kind) as hand, socket.socket(*kind) as ear:
        for each in (hand, ear):
            each.bind(("127.0.0.1", 0))
            each.settimeout(PATIENCE_S)
        ear.sendto(build_msg("/companion/subscribe", []).dgram, to)
        ping = build_msg("/companion/ping", []).dgram
        for number in range(messages):
            value = -1.0 - number % 50
            began = time.perf_counter()
            hand.sendto(build_msg("/companion/bass/level", [value]).dgram, to)
            hand.sendto(ping, to)
            turned.append(until(hand, "/companion/pong") - began)
            told.append(until(ear, "/companion/bass/level", value) - began)
            time.sleep(PAUSE_S)
    return turned, told


if __name__ == "__main__":
    main()
