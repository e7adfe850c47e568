"""MIDI in processes of their own: ``python -m tests.rig.midi_side WHAT ...``.

``rig PRESET`` opens the preset's MIDI with learn mode and does what each line of its input says:
``get PLAYER KNOB``, ``set PLAYER KNOB VALUE``, ``enter``, ``choose PLAYER KNOB``, ``leave``, and
``state``; the rig's player is ``-``. ``controller NAME`` is a device with both ports: each line of
its input, numbers, it sends; what it is sent it tells.
"""

from __future__ import annotations

import json
import select
import sys
import threading
import time
from contextlib import closing

import rtmidi
import yaml

from companion.control.learn import Learn
from companion.control.midi import open_midi
from companion.control.preset import load_preset


def say(**what: object) -> None:
    print(json.dumps(what), flush=True)


def rig(path: str) -> None:
    preset = load_preset(path)
    assert preset.midi is not None
    store = preset.store()
    ended = threading.Event()
    with closing(open_midi(store, preset.midi)) as midi:
        learn = Learn(preset, midi.knobs)
        midi.hear_every(lambda: learn.on)

        def pass_on() -> None:
            while not ended.wait(0.01):
                for change in store.drain():
                    midi.turned(change)

        threading.Thread(target=pass_on, daemon=True).start()
        say(ready=True)
        for line in sys.stdin:
            word, *rest = line.split()
            player, name = (None if rest[0] == "-" else rest[0], rest[1]) if rest else (None, "")
            if word == "get":
                say(value=store.snapshot(player)[name])
            elif word == "set":
                store.set(name, yaml.safe_load(rest[2]), player, "osc")
            elif word == "state":
                state = learn.state()
                waits = {str(m): sorted(m.waits_for.items()) for m in state.mappings if m.waits_for}
                mapped = {f"{m.player} {m.knob}": m.text for m in state.mappings}
                devices = [*midi.devices]
                say(state={"on": state.on, "mapped": mapped, "waits": waits, "devices": devices})
            elif word == "choose":
                learn.choose(player, name)
            else:
                {"enter": learn.enter, "leave": learn.leave}[word]()
        learn.close()
        ended.set()
    say(closed=True)


def controller(name: str) -> None:
    hears = rtmidi.MidiIn(rtmidi.API_UNIX_JACK, name=name)
    hears.open_virtual_port("in")
    sends = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name=name)
    sends.open_virtual_port("out")
    say(ready=True)
    rest = b""
    while True:
        while (event := hears.get_message()) is not None:
            say(told=event[0], at_s=time.monotonic())
        if select.select([sys.stdin], [], [], 0.002)[0]:
            read = sys.stdin.buffer.raw.read(4096)  # type: ignore[attr-defined]
            if not read:
                break
            *lines, rest = (rest + read).split(b"\n")
            for line in lines:
                sends.send_message([int(number) for number in line.split()])
    for client in (sends, hears):
        client.delete()


if __name__ == "__main__":
    {"rig": rig, "controller": controller}[sys.argv[1]](*sys.argv[2:])
