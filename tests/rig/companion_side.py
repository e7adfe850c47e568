"""What the companion does in the audio tests of the rig, in a process of its own.

PortAudio looks for the JACK server once, when it is loaded, and a device that dies can take the
process with it. Run as ``python -m tests.rig.companion_side SCENE [ARGUMENT]``; JSON lines come
out.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

import numpy as np

from companion.audio.memory import AudioMemory
from companion.audio.timebase import StreamTimebase
from companion.device.devices import choose_duplex, list_devices
from companion.device.stream import DuplexStream, open_duplex
from companion.system.errors import CompanionError
from tests.companion.audio.stream_contract import LENGTH, PLAYERS, perform, prepare

COUNT_S = 4.0
HOLD_LOOPS = 4_000_000  # about 100 ms in which the interpreter lock is not given away


def say(**values: Any) -> None:
    """One JSON line."""
    print(json.dumps(values), flush=True)


def open_default() -> tuple[DuplexStream, AudioMemory]:
    """A stream on what is chosen when nothing is named, and what it moves."""
    device = choose_duplex(list_devices())
    memory = AudioMemory(device.rate, PLAYERS)
    prepare(memory)
    return open_duplex(device, memory), memory


@contextmanager
def playing(stream: DuplexStream) -> Iterator[None]:
    """It runs and moves its memory."""
    stream.start()
    stream.lease.open()
    yield
    stream.close()


def contract(path: str) -> None:
    """Perform the contract's scene when told to, and write what the memory holds of it."""
    stream, memory = open_default()
    with playing(stream):
        say(started=True, device=asdict(stream.device), latency_s=stream.latency_s)
        sys.stdin.readline()
        trigger = perform(memory, StreamTimebase(memory))
        np.savez(
            path,
            captured=memory.capture(trigger, LENGTH),
            played=np.stack([memory.played(v, trigger, LENGTH) for v in range(memory.voices)]),
            zeroed=memory.counters.zeroed_samples,
        )
        say(done=True)


def load(_: str) -> None:
    """Count what is lost while the interpreter is free, and while a thread hogs it."""
    stream, memory = open_default()
    with playing(stream):
        time.sleep(0.5)
        say(idle=_count(memory))
        stop = threading.Event()
        holds: list[float] = []
        hog = threading.Thread(target=_hog, args=(stop, holds))
        hog.start()
        hogged = _count(memory)
        stop.set()
        hog.join()
        say(hogged={**hogged, "longest_hold_s": max(holds), "holds": len(holds)})


def _hog(stop: threading.Event, holds: list[float]) -> None:
    while not stop.is_set():
        start_s = time.perf_counter()
        sum(range(HOLD_LOOPS))  # one call in C: nobody else runs until it is through
        holds.append(time.perf_counter() - start_s)


def _count(memory: AudioMemory) -> dict[str, float]:
    period_s = 256 / memory.rate
    before, start_s = memory.counters, time.monotonic()
    time.sleep(COUNT_S)
    after, end_s = memory.counters, time.monotonic()
    return {
        "periods": (end_s - start_s) / period_s,
        "blocks": after.blocks - before.blocks,
        "missed": (after.missed_samples - before.missed_samples) / 256,
        "xruns": after.xruns - before.xruns,
    }


def stall(_: str) -> None:
    """Count what is lost while somebody else stops the server, beside what the host's clock says.

    The counter moves block by block and a block may come late: the earliest looks are the line.
    """
    stream, memory = open_default()
    with playing(stream):
        time.sleep(1.0)
        before_s = _line_s(memory)
        missed = memory.counters.missed_samples
        say(ready=True)
        sys.stdin.readline()
        time.sleep(1.0)
        lost_s = _line_s(memory) - before_s
        say(cost_s=[lost_s, (memory.counters.missed_samples - missed) / memory.rate])


def _line_s(memory: AudioMemory) -> float:
    """By how much the host's clock is ahead of the stream's counter."""
    until_s = time.monotonic() + COUNT_S / 4
    least_s = float("inf")
    while time.monotonic() < until_s:
        position = memory.position
        while memory.position == position:
            time.sleep(0.0002)
        least_s = min(least_s, time.monotonic() - memory.position / memory.rate)
    return least_s


def unplug(_: str) -> None:
    """Wait for a sample that never comes, because somebody ends the server."""
    stream, memory = open_default()
    stream.start()
    stream.lease.open()
    say(started=True)
    try:
        StreamTimebase(memory).wait_until(2**60)
    except CompanionError as error:
        say(error=str(error), blocks=memory.blocks)
    start_s = time.monotonic()
    stream.close()
    say(closed_after_s=time.monotonic() - start_s)


def restart(_: str) -> None:
    """Stop and start again: the position goes on."""
    stream, memory = open_default()
    with playing(stream):
        memory_moves(memory, 0)
        first = memory.position
        stream._port.stop()
        stopped = memory.position
        time.sleep(0.1)
        still = memory.position
        stream.start()
        memory_moves(memory, still)
        say(positions=[first, stopped, still, memory.position])


def memory_moves(memory: AudioMemory, position: int) -> None:
    """Wait until it is past a position."""
    while memory.position <= position:
        time.sleep(0.001)


def choose(wanted: str) -> None:
    """Choose a device by name."""
    try:
        say(chosen=asdict(choose_duplex(list_devices(), wanted)))
    except CompanionError as error:
        say(error=str(error))


if __name__ == "__main__":
    scenes = {f.__name__: f for f in (contract, load, stall, unplug, restart, choose)}
    scenes[sys.argv[1]](sys.argv[2] if len(sys.argv) > 2 else "")
