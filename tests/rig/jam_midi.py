"""A MIDI controller in a process of its own: ``python -m tests.rig.jam_midi PORT``.

It connects to the first JACK MIDI input whose name holds ``PORT``. Each line of its input is a
message, numbers with spaces between; for each it says ``{"sent": true}``.
"""

from __future__ import annotations

import json
import sys
import time

import rtmidi

CONNECT_LIMIT_S = 20.0


def main() -> None:
    """Connect, then send line by line until the input ends."""
    midi = rtmidi.MidiOut(rtmidi.API_UNIX_JACK, name="controller")
    deadline_s = time.monotonic() + CONNECT_LIMIT_S
    while not (found := [n for n, name in enumerate(midi.get_ports()) if sys.argv[1] in name]):
        if time.monotonic() > deadline_s:
            raise SystemExit(f"there is no MIDI port {sys.argv[1]!r}, only {midi.get_ports()}")
        time.sleep(0.05)
    midi.open_port(found[0], name="out")
    print(json.dumps({"connected": True}), flush=True)
    for line in sys.stdin:
        midi.send_message([int(number) for number in line.split()])
        print(json.dumps({"sent": True}), flush=True)
    # A client that simply goes makes a synchronous server wait for it.
    midi.close_port()
    midi.delete()


if __name__ == "__main__":
    main()
