"""MIDI in: controllers turn knobs, and a master's clock is handed on with the time it arrived.

*Threading*: a daemon thread, `midi`, collects what has come in, turns the knobs and calls whoever
listens to the clock; neither may wait. `open_midi` and `close` belong to one thread. rtmidi's
callback is not used: it would wait for the interpreter in the thread that JACK keeps time with, and
closing the port while messages come in kills the process.
"""

from __future__ import annotations

import threading
import time

from companion.clock.midi_clock import Arrivals
from companion.control.midi_knobs import MidiKnobs, OnClock
from companion.control.midi_port import LOOK_S, MidiPort, open_port
from companion.control.preset import MidiPreset
from companion.control.store import ParameterStore

PORT = "knobs"
RELEASE_LIMIT_S = 2.0
POLL_S = 0.005


class MidiInput:
    """Listens on an open port; while that is gone, nothing is received."""

    def __init__(self, port: MidiPort, knobs: MidiKnobs) -> None:
        """Listen from here on."""
        self._port, self._knobs = port, knobs
        self._closed = threading.Event()
        # Nothing is ignored: the time since a message that was ignored would be lost.
        port.client.ignore_types(sysex=False, timing=False, active_sense=False)
        self._thread = threading.Thread(target=self._collect, name="midi", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Of the port."""
        return self._port.name

    @property
    def connected(self) -> bool:
        """Whether its port is there."""
        return self._port.connected

    def _collect(self) -> None:
        arrivals = Arrivals()
        client, looked_s = self._port.client, time.monotonic()
        while not self._closed.wait(POLL_S):
            if time.monotonic() > looked_s + LOOK_S:
                self._port.look()
                looked_s = time.monotonic()
            # Messages may come faster than they are read: this must end when it is told to.
            while not self._closed.is_set() and (event := client.get_message()) is not None:
                message, since_last_s = event
                self._knobs.receive(message, arrivals.at(since_last_s, time.monotonic()))
            self._knobs.settle(time.monotonic())

    def close(self) -> None:
        """Turn no knob any more; again does nothing."""
        self._closed.set()
        self._thread.join()  # first: a closed port must not be asked
        # A server that has died may never answer: do not wait for it longer than a moment.
        thread = threading.Thread(target=self._port.close, name="midi-release", daemon=True)
        thread.start()
        thread.join(RELEASE_LIMIT_S)


def open_midi(
    store: ParameterStore, preset: MidiPreset, on_clock: OnClock = lambda *_: None
) -> MidiInput:
    """The port that the preset names, or a virtual one that others connect to.

    Raises:
        NoMidi: there is no MIDI here, and no port was named.
        CompanionError: the named port is not there, or does not open.
    """
    port = open_port(preset.port, PORT)
    return MidiInput(port, MidiKnobs(store, preset.map, on_clock))
