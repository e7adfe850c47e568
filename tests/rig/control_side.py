"""Knobs in a process of their own: ``python -m tests.rig.control_side WHAT [PORT]``.

``turn`` opens the band's OSC and MIDI, says where, and every change of a knob until its input ends.
``reopen`` opens and closes the named MIDI port again and again while messages come in.
``contract`` opens and closes it when told to, and tells what was turned.
The other side: ``send`` sends each line of its input, numbers, to the named port or, where none is
named, from an output ``controller:out``; ``flood`` is such an output that sends on and on until its
input ends.

Every client is deleted before its process ends: one that just goes holds a synchronous server up
for as long as its patience lasts.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import sys
import threading
import time
from contextlib import closing

import rtmidi

from companion.control.midi import MidiInput, open_midi
from companion.control.osc import OscServer
from companion.control.parameters import BY_NAME
from companion.control.preset import MidiMapping, MidiPreset, OscPreset, Preset, load_preset
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError
from tests.companion.control.midi_contract import MAPPINGS, PLAYERS

OPENINGS = 25
LAST = MidiMapping(119, "monitor", None, 16)
"""Turned behind the messages of a test: where it has arrived, they have too."""
LAST_LIMIT_S = 0.5


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def input_ended() -> threading.Event:
    """Set when standard input ends."""
    ended = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), ended.set()), daemon=True).start()
    return ended


def turn(preset: Preset, midi_preset: MidiPreset) -> None:
    store = preset.store()
    ended = input_ended()
    try:
        midi = open_midi(store, midi_preset)
    except CompanionError as error:
        say(ready={"error": str(error)})
        return
    with closing(midi), closing(OscServer(store, OscPreset(port=0))) as server:
        say(ready={"midi": midi.name, "osc": server.port})
        while not ended.wait(0.01):
            for change in store.drain():
                say(change=dataclasses.asdict(change), rejected=server.rejected)
    midi.close()
    server.close()
    say(closed=True)


def reopen(preset: Preset, midi_preset: MidiPreset) -> None:
    busy = threading.Event()

    def hold_the_interpreter() -> None:
        while not busy.is_set():
            pass

    threading.Thread(target=hold_the_interpreter, daemon=True).start()
    store, moved = preset.store(), 0
    for _ in range(OPENINGS):
        midi = open_midi(store, midi_preset)
        time.sleep(0.05)
        midi.close()
        moved += len(store.drain())
    busy.set()
    say(moved=moved)


def contract(port: str) -> None:
    """Lines come in: ``open``, ``close``, or the position 1..127 of a knob to wait for."""
    store = ParameterStore({}, {player: {} for player in PLAYERS})
    midi: MidiInput | None = None
    say(ready=True)
    for line in map(str.strip, sys.stdin):
        if line == "open":
            midi = open_midi(store, MidiPreset(port, (*MAPPINGS, LAST)))
            say(open=midi.name)
        elif line == "close":
            assert midi is not None
            midi.close()
            midi.close()
            say(closed=True)
        elif line == "turned":
            changes = [change for change in store.drain() if change.name != LAST.parameter]
            say(turned=[(change.name, change.player, change.new) for change in changes])
        else:
            value = BY_NAME[LAST.parameter].at(int(line) / 127)
            deadline_s = time.monotonic() + LAST_LIMIT_S
            while store.snapshot()[LAST.parameter] != value and time.monotonic() < deadline_s:
                time.sleep(0.001)
            say(seen=store.snapshot()[LAST.parameter] == value)


def send(port: str = "", name: str = "controller") -> None:
    midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
    if port:
        midi.open_port(midi.get_ports().index(port), name="out")
    else:
        midi.open_virtual_port("out")
    say(connected=True)
    for line in sys.stdin:
        midi.send_message([int(number) for number in line.split()])
    midi.delete()


def flood() -> None:
    ended = input_ended()
    midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="controller")
    midi.open_virtual_port("out")
    say(open=True)
    for number in itertools.count():
        midi.send_message([0xB0, 20, number % 128])
        if ended.wait(0.001):
            break
    midi.delete()


def main() -> None:
    what, *port = sys.argv[1:]
    if what == "send":
        return send(*port)
    if what == "flood":
        return flood()
    if what == "contract":
        return contract(*port)
    preset = load_preset("band")
    assert preset.midi is not None
    midi_preset = dataclasses.replace(preset.midi, port=port[0] if port else None)
    {"turn": turn, "reopen": reopen}[what](preset, midi_preset)


if __name__ == "__main__":
    main()
