"""MIDI clock in a process of its own: ``python -m tests.rig.clock_side WHAT``.

``out`` sends the clock of a transport at 120 BPM whose bar 0 is two seconds from now, and says when
that is. At the line ``go`` it runs, so that a song position and a continue go out; at a tempo it is
steered there; at ``stop`` it stops. ``in`` listens to it and says every 50 ms which beat it is.
Both end with their input. Monotonic time is the machine's: theirs is one.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from contextlib import closing

from companion.clock.host_time import HostTime
from companion.clock.midi_clock import MidiClock
from companion.clock.midi_out import MidiClockOut
from companion.clock.transport import Transport
from companion.control.midi import open_midi
from companion.control.midi_port import open_port
from companion.control.preset import MidiPreset
from companion.control.store import ParameterStore

RATE = 48_000
PORT = "companion:clock"


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def send() -> None:
    start_s = time.monotonic()
    host_time, transport = HostTime(RATE), Transport(RATE, 120, 2 * RATE)
    for time_s in (start_s, start_s + 1):
        host_time.observe(time_s, round((time_s - start_s) * RATE))
    running = threading.Event()
    port = open_port(None, "clock", output=True)
    with closing(MidiClockOut(port, transport, host_time, running.is_set)):
        say(zero_s=start_s + 2)
        for line in map(str.strip, sys.stdin):
            if line in ("go", "stop"):
                running.set() if line == "go" else running.clear()
                continue
            transport.steer(round((time.monotonic() - start_s + 0.1) * RATE), float(line))
            segment = transport.segments[-1]
            say(steered=[start_s + segment.sample / RATE, float(segment.beat), float(line)])
    say(closed=True)


def listen() -> None:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    clock, host_time = MidiClock(), HostTime(RATE)
    start_s = time.monotonic()
    for time_s in (start_s, start_s + 1):
        host_time.observe(time_s, round((time_s - start_s) * RATE))
    with closing(open_midi(ParameterStore({}, {}), MidiPreset(PORT), clock.receive)):
        say(listening=True)
        while not ended.wait(0.05):
            now_s = time.monotonic()
            reading = clock.read(round((now_s - start_s) * RATE), host_time)
            if reading is not None:
                at_s = start_s + reading.sample / RATE
                say(heard=[at_s, reading.beat, reading.bpm, reading.lock, reading.running])
    say(closed=True)


if __name__ == "__main__":
    {"out": send, "in": listen}[sys.argv[1]]()
