"""Other programs that count quarter notes: ``python -m tests.rig.quarter_side WHAT ...``.

Nothing of the companion is in them. Each says one line of JSON when it is there and one when its
input ends.

``master BPM PORT`` sends MIDI clock at so many quarter notes a minute to a companion, with a start.
``slave`` reads the MIDI clock of a companion, by 24 ticks to a quarter note. ``link BPM QUARTERS
PORT`` is a peer on Ableton Link whose bar has so many quarter notes. The first and the last listen
at a UDP port for the bars that the companion tells, and say where in their own time those fell.
"""

from __future__ import annotations

import json
import re
import socket
import sys
import threading
import time
from collections.abc import Callable

import numpy as np
import rtmidi
from pythonosc.osc_packet import OscPacket

CONNECT_LIMIT_S = 60.0
TICKS_A_QUARTER = 24
MEASURED_TICKS = 30 * TICKS_A_QUARTER
TICK, START = 0xF8, 0xFA


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def until_input_ends() -> threading.Event:
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    return ended


def hear_bars(port: int, place: Callable[[], float]) -> list[float]:
    """Where in our own time each bar line was told; grows meanwhile."""
    places: list[float] = []
    listening = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    listening.bind(("127.0.0.1", port))

    def hear() -> None:
        while True:
            packet = OscPacket(listening.recv(65536))
            if any(each.message.address == "/companion/bar" for each in packet.messages):
                places.append(place())

    threading.Thread(target=hear, daemon=True).start()
    return places


def connect(midi: rtmidi.MidiIn | rtmidi.MidiOut, name: str) -> None:
    """Connect to a companion's port, which may be called companion-01 where there are two."""
    deadline_s = time.monotonic() + CONNECT_LIMIT_S
    theirs = re.compile(rf"companion.*:{name}")
    while not (found := [n for n, port in enumerate(midi.get_ports()) if theirs.match(port)]):
        if time.monotonic() > deadline_s:
            raise SystemExit(
                f"there is no MIDI port {name} of a companion, only {midi.get_ports()}"
            )
        time.sleep(0.05)
    midi.open_port(found[0], name="port")


def master(bpm: float, port: int) -> None:
    midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="master")
    connect(midi, "knobs")
    ended, tick_s = until_input_ends(), 60 / bpm / TICKS_A_QUARTER
    start_s, tick = time.monotonic() + 0.1, 0
    bars = hear_bars(port, lambda: (time.monotonic() - start_s) * bpm / 60)
    say(started=True)
    midi.send_message([START])
    while not ended.is_set():
        wait_s = start_s + tick * tick_s - time.monotonic()
        if wait_s > 0:
            time.sleep(wait_s)
        midi.send_message([TICK])
        tick += 1
    say(bars=bars)
    midi.close_port()
    midi.delete()


def slave() -> None:
    midi = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name="slave")
    midi.ignore_types(timing=False)
    at_s, times, kinds = 0.0, [], []

    def hear(event: tuple[list[int], float], _: object) -> None:
        nonlocal at_s
        at_s += event[1]
        times.append(at_s) if event[0][0] == TICK else kinds.append(event[0][0])

    midi.set_callback(hear)
    connect(midi, "clock")
    say(listening=True)
    until_input_ends().wait()
    last = np.array(times[-MEASURED_TICKS:])
    tick_s = np.polyfit(np.arange(len(last)), last, 1)[0]
    say(quarters=60 / (TICKS_A_QUARTER * tick_s), ticks=len(last), kinds=kinds)
    midi.close_port()
    midi.delete()


def link(bpm: float, quarters: float, port: int) -> None:
    import link as ableton

    peer = ableton.Link(bpm)
    ended = until_input_ends()
    time.sleep(0.5)
    peer.enabled = True

    def place() -> float:
        return peer.captureSessionState().phaseAtTime(peer.clock().micros(), quarters)

    bars = hear_bars(port, place)
    say(started=True)
    ended.wait()
    say(link=[peer.captureSessionState().tempo(), peer.numPeers(), bars])


if __name__ == "__main__":
    what, *rest = sys.argv[1:]
    if what == "slave":
        slave()
    elif what == "master":
        master(float(rest[0]), int(rest[1]))
    else:
        link(float(rest[0]), float(rest[1]), int(rest[2]))
