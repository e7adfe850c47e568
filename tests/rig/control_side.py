"""Knobs in a process of their own: ``python -m tests.rig.control_side WHAT [PORT]``.

``turn`` opens the band's OSC and MIDI, says where, and every change of a knob until its input ends.
``reopen`` opens and closes the named MIDI port again and again while messages come in.
The other side: ``send`` sends each line of its input, numbers, to the named port; ``flood`` is an
output, ``controller:out``, that sends on and on until its input ends.

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

import rtmidi

from companion.control.midi import open_midi
from companion.control.osc import OscServer
from companion.control.preset import MidiPreset, OscPreset, Preset, load_preset
from companion.errors import CompanionError

OPENINGS = 25


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
    with midi, OscServer(store, OscPreset(port=0)) as server:
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


def send(port: str) -> None:
    midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="controller")
    midi.open_port(midi.get_ports().index(port), name="out")
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
    preset = load_preset("band")
    assert preset.midi is not None
    midi_preset = dataclasses.replace(preset.midi, port=port[0] if port else None)
    {"turn": turn, "reopen": reopen}[what](preset, midi_preset)


if __name__ == "__main__":
    main()
