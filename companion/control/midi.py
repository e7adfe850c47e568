"""MIDI in and its feedback: controllers turn knobs, and a master's clock is handed on with the time
it arrived.

*Threading*: a daemon thread, `midi`, collects what has come in, turns the knobs, calls whoever
listens to the clock, and tells controllers where their knobs are; nobody it calls may wait.
`open_midi` and `close` belong to one thread. rtmidi's callback is not used: it would wait for the
interpreter in the thread that JACK keeps time with, and closing the port while messages come in
kills the process.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from companion.control.midi_feedback import Feedback
from companion.control.midi_knobs import MidiKnobs, OnClock, OnFree
from companion.control.midi_ports import Device, MidiPorts, released
from companion.control.preset import MidiPreset
from companion.control.store import Change, ParameterStore
from companion.system.errors import one_line

POLL_S = 0.002
FEEDBACK_S = 0.010
"""Between two looks for what controllers have to be told."""
MOST_AT_ONCE = 512
"""Messages of one device before the others have their turn."""


class MidiInput:
    """Listens to the open ports; what is gone is opened again when it is back."""

    def __init__(self, ports: MidiPorts, knobs: MidiKnobs, feedback: Feedback) -> None:
        """Listen from here on."""
        self.knobs = knobs
        self._ports, self._feedback = ports, feedback
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._run, name="midi", daemon=True)
        self._thread.start()
        ports.start()

    @property
    def name(self) -> str:
        """Of the ports that are open."""
        return ", ".join(self._ports.names)

    @property
    def connected(self) -> bool:
        """Whether all ports are there that have been."""
        return not self._ports.missing

    @property
    def missing(self) -> tuple[str, ...]:
        """The devices that are gone."""
        return self._ports.missing

    @property
    def devices(self) -> tuple[str, ...]:
        """The devices that are listened to."""
        return tuple(device.name for device in self._ports.heard)

    @property
    def server(self) -> int:
        """How many servers of JACK have died so far."""
        return self._ports.server

    def hear_every(self, every: Callable[[], bool]) -> None:
        """Open every port there is while `every` says so: any controller can be learnt."""
        self._ports.every = every

    def turned(self, change: Change) -> None:
        """A knob was moved: controllers that show it are told. Never waits."""
        self._feedback.turned(change)

    def close(self) -> None:
        """Turn no knob any more, and put the lights out; again does nothing."""
        if self._closed.is_set():
            return
        self._closed.set()
        self._thread.join()  # first: a closed port must not be asked
        released(self._put_out)
        self._ports.close()

    def _put_out(self) -> None:
        for device in self._ports.lit:
            for message in self._feedback.dark(device.name):
                device.port.send(message)

    def _run(self) -> None:
        fed_s = 0.0
        while not self._closed.wait(POLL_S):
            with self._ports.lock:
                for device in self._ports.heard:
                    with self._kept_alive(device.name):
                        self._collect(device)
                now_s = time.monotonic()
                with self._kept_alive("controllers"):
                    self.knobs.settle(now_s)
                if now_s >= fed_s + FEEDBACK_S:
                    fed_s = now_s
                    with self._kept_alive("lights"):
                        self._tell(now_s)

    @contextmanager
    def _kept_alive(self, about: str) -> Iterator[None]:
        """Nothing that comes from one device may end the thread that all others need."""
        try:
            yield
        except Exception as error:
            self.knobs.refuse(f"MIDI of {about!r} could not be used: {one_line(error)}", about)

    def _collect(self, device: Device) -> None:
        client = device.port.client
        for _ in range(MOST_AT_ONCE):
            if (event := client.get_message()) is None:
                break
            message, since_last_s = event
            now_s = time.monotonic()
            self._ports.alive(now_s)
            at_s = device.arrivals.at(since_last_s, now_s)
            self.knobs.receive(message, at_s, device.name)

    def _tell(self, now_s: float) -> None:
        for device in self._ports.lit:
            for message in self._feedback.messages(device.name, now_s):
                device.port.send(message)


def open_midi(
    store: ParameterStore,
    preset: MidiPreset,
    on_clock: OnClock = lambda *_: None,
    on_free: OnFree = lambda *_: None,
    on_gone: Callable[[str], None] = lambda _: None,
) -> MidiInput:
    """The ports that the preset names, or a virtual one that others connect to.

    Args:
        store: the knobs.
        preset: ports and mappings.
        on_clock: given the messages of a master's clock.
        on_free: given each move that no mapping means, with its device.
        on_gone: given each device that has gone.

    Raises:
        NoMidi: there is no MIDI here, and no port was named.
        CompanionError: a named port is not there, or does not open.
    """
    knobs = MidiKnobs(store, preset.mappings, on_clock, on_free)
    feedback = Feedback(knobs)

    def gone(device: str) -> None:
        knobs.forget(device)
        on_gone(device)
        feedback.forget(device)

    def wanted() -> Iterable[str]:
        mapped = {mapping.device for mapping in knobs.mappings if mapping.device is not None}
        return mapped | ({preset.keyboard} if isinstance(preset.keyboard, str) else set())

    ports = MidiPorts(preset.ports, wanted, feedback.wanted, gone)
    knobs.listen(feedback.heard)
    return MidiInput(ports, knobs, feedback)
