"""What the audio loses while threads hold the interpreter's lock for 100 ms at a time.

``python -m benchmarks.lock_hog [SECONDS]`` starts a JACK server of its own in real time, 256 frames
at 48 kHz, and prints the periods that the supervised stream lost while nothing else ran, and while
two threads held the lock, each beside what the machine itself does: how late cyclictest (Debian's
rt-tests) sees it wake a thread of the highest priority. Run it on a machine that does nothing else.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from tests.rig.jack import JackServer

PERIOD, RATE = 256, 48_000
HOLD_LOOPS = 4_000_000  # about 100 ms in one call of C


def hog(stop: threading.Event, holds: list[float]) -> None:
    """Hold the lock again and again."""
    while not stop.is_set():
        began_s = time.perf_counter()
        sum(range(HOLD_LOOPS))
        holds.append(time.perf_counter() - began_s)


def floor(seconds: float) -> str:
    """How late the machine wakes a thread of the highest priority, in the meantime."""
    command = ["cyclictest", "-q", "-m", "-p80", "-i1000", f"-D{round(seconds)}", "-t1"]
    try:
        told = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError) as error:
        return f"cyclictest: {error}"
    return f"machine wakes late by {told.strip().rpartition('Act:')[2].strip()} µs"


def count(stream: Supervisor, seconds: float) -> str:
    """Periods lost in so many seconds."""
    machine: list[str] = []
    measure = threading.Thread(target=lambda: machine.append(floor(seconds)))
    before, began_s = stream.memory.counters, time.monotonic()
    measure.start()
    measure.join()
    after, took_s = stream.memory.counters, time.monotonic() - began_s
    due = took_s * RATE / PERIOD
    lost = max(0.0, due - (after.blocks - before.blocks))
    missed = (after.missed_samples - before.missed_samples) / PERIOD
    return f"{lost:.0f} of {due:.0f} periods lost ({missed:.0f} counted as missed); {machine[0]}"


def main() -> None:
    """Measure idle, then with the lock held."""
    seconds = float(sys.argv[1]) if len(sys.argv) > 1 else 30.0
    folder = tempfile.TemporaryDirectory()
    with folder as path, JackServer(Path(path), real_time=True) as server:
        os.environ.update(server.environment)
        stream = Supervisor(1, Wanted())
        stream.start()
        time.sleep(1.0)
        print(f"idle:      {count(stream, seconds)}", flush=True)
        stop = threading.Event()
        holds: list[float] = []
        threads = [threading.Thread(target=hog, args=(stop, holds)) for _ in range(2)]
        for thread in threads:
            thread.start()
        print(f"lock held: {count(stream, seconds)}")
        stop.set()
        for thread in threads:
            thread.join()
        longest = 1000 * max(holds)
        print(f"held {len(holds)} times, up to {longest:.0f} ms; lost the device: {stream.away}")
        stream.close()


if __name__ == "__main__":
    main()
