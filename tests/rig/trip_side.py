"""Measures a round trip in a process of its own: ``python -m tests.rig.trip_side start|calibrate``.

`start` opens a stream, waits for a line, starts it, and says what it measured and what a single
sample took. `calibrate` is the command's own function.
"""

from __future__ import annotations

import json
import sys
from dataclasses import asdict

import numpy as np

from companion.device.calibrate import calibrate
from companion.device.supervisor import Supervisor
from companion.device.wire import Wanted
from companion.system.errors import CompanionError


def say(**values: object) -> None:
    """One JSON line."""
    print(json.dumps(values, default=str), flush=True)


def start() -> None:
    """See the module."""
    stream = Supervisor(1, Wanted())
    say(opened=True)
    sys.stdin.readline()
    stream.start()
    memory = stream.memory
    at = memory.position + memory.rate // 4
    memory.write(1, at, np.array([0.7], np.float32))
    stream._wait_until(at + memory.rate // 2)
    heard = memory.capture(at, memory.rate // 2)
    truth = int(np.argmax(heard)) if heard.max() > 0.5 else None
    performed = stream.performed.capture(at, 1)
    say(latency={**asdict(stream.latency), "truth": truth, "performed": float(performed[0])})
    stream.close()


def main() -> None:
    """One of the two."""
    if sys.argv[1] == "start":
        return start()
    try:
        device, kept, file = calibrate(Wanted())
        say(found={"device": device, **asdict(kept), "file": file})
    except CompanionError as error:
        say(found={"error": str(error)})


if __name__ == "__main__":
    main()
