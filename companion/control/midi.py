"""MIDI in: controllers turn knobs, and a master's clock is handed on with the time it arrived.

*Threading*: a daemon thread, `midi`, collects what has come in, turns the knobs and calls whoever
listens to the clock; neither may wait. `open_midi` and `close` belong to one thread. rtmidi's
callback is not used: it would wait for the interpreter in the thread that JACK keeps time with, and
closing the port while messages come in kills the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence

from companion.clock.midi_clock import CLOCK_MESSAGES, Arrivals
from companion.control.midi_port import LOOK_S, MidiPort, open_port
from companion.control.parameters import CONTROLLER_STEPS
from companion.control.preset import MidiMapping, MidiPreset
from companion.control.store import ParameterStore

PORT = "knobs"
CONTROL_CHANGE = 0xB0
RELEASE_LIMIT_S = 2.0
POLL_S = 0.005
OnClock = Callable[[Sequence[int], float], None]
"""Given each message of the clock and the monotonic time at which it arrived."""


class MidiKnobs:
    """Turns knobs by the controllers of a preset, and hands the clock on."""

    def __init__(
        self,
        store: ParameterStore,
        mappings: Sequence[MidiMapping],
        on_clock: OnClock = lambda *_: None,
    ) -> None:
        """Nothing received yet."""
        self._store, self._on_clock = store, on_clock
        self._by_control: dict[tuple[int, int], list[MidiMapping]] = {}
        for mapping in mappings:
            channels = range(1, 17) if mapping.channel is None else (mapping.channel,)
            for channel in channels:
                self._by_control.setdefault((channel, mapping.cc), []).append(mapping)

    def receive(self, message: Sequence[int], at_s: float) -> None:
        """One MIDI message, which arrived at a monotonic time.

        What is neither of the clock nor a mapped control change is left alone.
        """
        if message and message[0] in CLOCK_MESSAGES:
            self._on_clock(message, at_s)
        elif len(message) == 3 and message[0] & 0xF0 == CONTROL_CHANGE:
            status, control, value = message
            hand = (status & 0x0F) + 1, control
            position = (value & 0x7F) / CONTROLLER_STEPS
            for mapping in self._by_control.get(hand, ()):
                knob = mapping.parameter, position, mapping.player
                self._store.set_position(*knob, "midi", hand, at_s)


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
