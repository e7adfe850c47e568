"""The ports that are open, in and out: devices come and go, and so may JACK's server.

Those that a preset names must be there at the start; those that a mapping names, and while
somebody learns every other, are opened when they are seen. What is there is looked at every
`LOOK_S`. A client of a JACK server that has died is told nothing of that, and goes on seeing what
was there: so a message is sent round through the server each time, and where none comes back all is
opened anew.

*Threading*: one thread, `midi-ports`, looks and opens, so that no message waits for it. `heard` and
`lit` are read under `lock`, which is held for as long as a list takes to be replaced; a port that
is closed is in neither of them any more.
"""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from difflib import SequenceMatcher
from typing import Any

from companion.clock.midi_clock import Arrivals
from companion.control.midi_device import device_names, is_meant
from companion.control.midi_port import (
    CLIENT,
    LOOK_S,
    MidiPort,
    is_jack,
    is_own,
    open_client,
    open_named,
    open_port,
)

KNOBS, LIGHTS, BEAT = "knobs", "lights", "beat"
"""What our ends are called."""
ACTIVE_SENSING = 0xFE
SILENT_S = 3.0
"""A message that has not come round for so long has no server any more; some stall for a while."""
RELEASE_LIMIT_S = 2.0
MOST_PORTS = 16
"""Devices at a time."""
THROUGH = "midi through"
"""A port of the system that repeats what is sent to it."""


@dataclass(frozen=True, slots=True)
class Device:
    """An open port of a device."""

    name: str  # of the device
    port: MidiPort
    arrivals: Arrivals = field(default_factory=Arrivals, compare=False)


class MidiPorts:
    """Opens what is wanted whenever it is there.

    Attributes:
        lock: to be held while `heard` or `lit` is used.
        heard: the devices that are listened to.
        lit: the devices that are told where knobs are.
        server: how many servers of JACK have died so far.
        every: whether all ports that there are are to be open; nobody asks for that at first.
    """

    def __init__(
        self,
        required: Sequence[str] = (),
        wanted: Callable[[], Iterable[str]] = tuple,
        lights: Callable[[str], bool] = lambda _: False,
        on_gone: Callable[[str], None] = lambda _: None,
    ) -> None:
        """Open those that are required, or the virtual port that others connect to.

        Args:
            required: parts of names.
            wanted: parts of names of other ports that are to be opened when they are there.
            lights: whether a device is to be told where knobs are.
            on_gone: told of each device that has gone, under the lock.

        Raises:
            NoMidi: there is no MIDI here, and nothing is required.
            CompanionError: a required port is not there, or does not open.
        """
        self._required, self._wanted = tuple(required), wanted
        self.every: Callable[[], bool] = lambda: False
        self._lights, self._on_gone = lights, on_gone
        self.lock = threading.Lock()
        self.heard: tuple[Device, ...] = ()
        self.lit: tuple[Device, ...] = ()
        self._beat: MidiPort | None = None  # sends to our own end, where there is JACK
        self._alive_s = time.monotonic()
        self._dead = False  # until our own end is open at the next server
        self.server = 0
        self._lists: dict[bool, Any] = {}  # clients that list inputs, and outputs
        self._known = frozenset(self._required)  # what is missed when it is not there
        self._closed = threading.Event()
        self._open_first()
        self._thread = threading.Thread(target=self._run, name="midi-ports", daemon=True)

    def start(self) -> None:
        """Look for ports from now on."""
        self._thread.start()

    def alive(self, at_s: float) -> None:
        """A message has come in at a monotonic time: the server lives."""
        self._alive_s = at_s

    @property
    def missing(self) -> tuple[str, ...]:
        """What was there, or is required, and is gone."""
        there = [device.name for device in self.heard]
        return tuple(sorted(w for w in self._known if not any(is_meant(w, d) for d in there)))

    @property
    def names(self) -> tuple[str, ...]:
        """Of the ports that are listened to."""
        names = [device.port.name for device in self.heard if not self._is_virtual(device)]
        return tuple(names if self._required else [each.port.name for each in self.heard])

    def look(self) -> None:
        """Find what has come and gone."""
        if self._is_dead():
            self._start_anew()
        names = self._names()
        if names is None:
            return
        devices = device_names(name for name in names if not is_own(name))
        heard = [each for each in self.heard if self._is_virtual(each) or each.port.name in devices]
        gone = [each for each in self.heard if each not in heard]
        opened = {each.port.name for each in heard}
        for name, device in devices.items():
            if name in opened or not self._is_wanted(device) or len(heard) >= MOST_PORTS:
                continue
            port = open_named(name, KNOBS)
            if port is not None:
                heard.append(listening(device, port))
        self._replace(tuple(heard), self._with_lights(heard), gone)

    def close(self) -> None:
        """Let go of everything; again does nothing."""
        self._closed.set()
        if self._thread.is_alive():  # it may be asking a server that is dead
            self._thread.join(RELEASE_LIMIT_S)
        with self.lock:
            ports = [each.port for each in (*self.heard, *self.lit)]
            ports += [MidiPort(client, "", "") for client in self._lists.values()]
            ports += [] if self._beat is None else [self._beat]
            self.heard, self.lit, self._lists = (), (), {}
        released(self._close_all, *ports)

    def _run(self) -> None:
        while not self._closed.wait(LOOK_S):
            # Its server has died, or a driver fails as only that one does: at the next look.
            with contextlib.suppress(Exception):
                self.look()

    def _open_first(self) -> None:
        with contextlib.ExitStack() as undo:
            heard = []
            for each in self._required:
                port = open_port(each, KNOBS)
                undo.callback(port.close)
                heard.append(listening(next(iter(device_names([port.name]).values())), port))
            if not heard or is_jack(heard[0].port.client):  # where its server is listened for too
                heard.append(self._open_virtual())
            undo.pop_all()
        self.heard = tuple(heard)

    def _open_virtual(self) -> Device:
        """A port that others connect to, and over JACK the message that goes round through it."""
        before = self._own_ends()
        port = open_port(None, KNOBS)
        ends = sorted(self._own_ends() - before)
        self._alive_s = time.monotonic()
        if ends and is_jack(port.client):
            self._beat = open_named(ends[0], BEAT, output=True)
        return listening(port.name, port)

    def _is_wanted(self, device: str) -> bool:
        every = self.every() and THROUGH not in device.casefold()
        return every or self._is_named(device)

    def _is_named(self, device: str) -> bool:
        wanted = (*self._required, *self._wanted())
        return any(is_meant(each, device) for each in wanted)

    def _is_virtual(self, device: Device) -> bool:
        return is_own(device.port.name)

    def _names(self, output: bool = False) -> list[str] | None:
        """All ports there are, ours among them; None if that is not to be known."""
        try:
            if output not in self._lists:
                self._lists[output] = open_client(output, f"{CLIENT}-list")
            return list(self._lists[output].get_ports())
        except Exception:  # rtmidi's own classes differ by version
            return None

    def _with_lights(self, heard: Sequence[Device]) -> tuple[Device, ...]:
        """Outputs for the devices that have lights: those that are open, and new ones."""
        wanted = [each.name for each in heard if self._lights(each.name)]
        lit = [each for each in self.lit if each.name in wanted]
        missing = [name for name in wanted if name not in [each.name for each in lit]]
        if not missing:
            return tuple(lit)
        places = [name for name in self._names(output=True) or () if not is_own(name)]
        for name in missing:
            place = twin(name, places)
            port = None if place is None else open_named(place, LIGHTS, output=True)
            if port is not None:
                lit.append(Device(name, port))
        return tuple(lit)

    def _replace(
        self, heard: tuple[Device, ...], lit: tuple[Device, ...], gone: Iterable[Device]
    ) -> None:
        if heard == self.heard and lit == self.lit:
            return
        with self.lock:
            closed = [each.port for each in gone]
            closed += [each.port for each in self.lit if each not in lit]
            self.heard, self.lit = heard, lit
            for each in gone:
                self._on_gone(each.name)
        named = (each.name for each in heard if not self._is_virtual(each))
        self._known |= frozenset(name for name in named if self._is_named(name))
        released(self._close_all, *closed)

    def _is_dead(self) -> bool:
        """Whether nothing comes back through JACK's server any more; sends the next message."""
        if self._dead or self._beat is None:
            return self._dead
        with contextlib.suppress(Exception):
            self._beat.send((ACTIVE_SENSING,))
        return time.monotonic() - self._alive_s > SILENT_S

    def _own_ends(self) -> frozenset[str]:
        ends = self._names(output=True) or ()
        return frozenset(name for name in ends if is_own(name) and name.endswith(f":{KNOBS}"))

    def _start_anew(self) -> None:
        """Open our own end anew; the devices are found by the look."""
        self._dead = True
        old, self._lists, self._beat = [*self._lists.values(), self._beat], {}, None
        with self.lock:
            gone, self.heard = self.heard, ()
            ports = [each.port for each in (*gone, *self.lit)]
            self.lit = ()
            for each in gone:
                self._on_gone(each.name)
        for client in old:
            ports.append(client if isinstance(client, MidiPort) else MidiPort(client, "", ""))
        for port in ports:
            port.abandon()
        self.heard = (self._open_virtual(),)
        self._dead = False
        self.server += 1

    @staticmethod
    def _close_all(*ports: MidiPort) -> None:
        for port in ports:
            port.close()


def listening(name: str, port: MidiPort) -> Device:
    """A device of which nothing is ignored: the time since what is ignored would be lost."""
    port.client.ignore_types(sysex=False, timing=False, active_sense=False)
    return Device(name, port)


def twin(device: str, places: Sequence[str]) -> str | None:
    """The output that belongs to an input's device; None if there is none.

    It has the same name, or the same client and the most of the rest of the name.
    """
    named = device_names(places)
    for place, name in named.items():
        if name == device:
            return place
    client = device.partition(":")[0].casefold()
    near = [place for place, name in named.items() if name.partition(":")[0].casefold() == client]
    return max(
        near, key=lambda place: SequenceMatcher(None, named[place], device).ratio(), default=None
    )


def released(close: Callable[..., None], *what: object) -> None:
    """Close something without waiting longer than a moment: a server that died never answers."""
    thread = threading.Thread(target=close, args=what, name="midi-release", daemon=True)
    thread.start()
    thread.join(RELEASE_LIMIT_S)
