"""A supervised stream in a process of its own: ``python -m tests.rig.outage_side``.

It plays a tick every quarter of a second, says what happens to its device and, whenever a line
comes in, when frame 0 sounded by the host's clock; it ends when its input does.
"""

from __future__ import annotations

import json
import sys
import threading
from dataclasses import asdict

import numpy as np

from companion.audio.memory import AudioMemory
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted

TICK_S = 0.25
AHEAD_S = 3.0


def say(**values: object) -> None:
    """One JSON line."""
    print(json.dumps(values), flush=True)


def write_ticks(memory: AudioMemory, number: int) -> int:
    """Write the ticks of the next seconds; the number of the next."""
    step = round(TICK_S * memory.rate)
    while number * step < memory.position + AHEAD_S * memory.rate:
        if number * step > memory.position + 100:
            memory.write(1, number * step, np.full(32, 0.8, np.float32))
        number += 1
    return number


def main() -> None:
    """Play until the input ends."""
    ended, asked = threading.Event(), threading.Event()

    def read() -> None:
        for _ in sys.stdin:
            asked.set()
        ended.set()

    threading.Thread(target=read, daemon=True).start()
    stream = Supervisor(1, Wanted())
    memory = stream.memory
    number = write_ticks(memory, 1)
    stream.start()
    say(started=True, latency=asdict(stream.latency), rate=memory.rate)
    while not ended.wait(0.01):
        number = write_ticks(memory, number)
        if asked.is_set():
            asked.clear()
            say(zero_s=stream.sounds_s(0))
        for news in stream.drain():
            say(**{news.what: asdict(news)})
    heard = stream.performed
    start = memory.oldest_samples
    whole = not any(end is None or start < end for _, end in heard.gaps)
    say(end={"whole": whole, "away": stream.away})
    stream.close()


if __name__ == "__main__":
    main()
