"""MIDI in: controllers turn knobs, and a master's clock is handed on with the time it arrived.

*Threading*: a daemon thread, `midi`, collects what has come in, turns the knobs and calls whoever
listens to the clock; neither may wait. `open_midi` and `close` belong to one thread. rtmidi's
callback is not used: it would wait for the interpreter in the thread that JACK keeps time with, and
closing the port while messages come in kills the process.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, Protocol, Self

from companion.clock.midi_clock import CLOCK_MESSAGES, Arrivals
from companion.control.named_port import LOOK_S, NamedPort, ports_of
from companion.control.parameters import CONTROLLER_STEPS
from companion.control.preset import MidiMapping, MidiPreset
from companion.control.store import ParameterStore
from companion.system.errors import CompanionError

CLIENT = "companion"
PORT = "knobs"
CONTROL_CHANGE = 0xB0
RELEASE_LIMIT_S = 2.0
POLL_S = 0.005
QUEUE_MESSAGES = 8192
"""What is kept between two looks; a program that holds the interpreter may delay one by 0.5 s."""
ALSA_SEQUENCER = Path("/dev/snd/seq")
OnClock = Callable[[Sequence[int], float], None]
"""Given each message of the clock and the monotonic time at which it arrived."""


class NoMidi(CompanionError):
    """This machine has no MIDI at all; a rig that named no port plays without."""


class MidiInput(Protocol):
    """An open input, real or fake."""

    @property
    def name(self) -> str:
        """Of the port."""
        ...

    @property
    def connected(self) -> bool:
        """Whether its port is there."""
        ...

    def close(self) -> None:
        """No knob is turned any more; again does nothing."""
        ...


class ControlChanges:
    """Turns knobs by the controllers of a preset."""

    def __init__(self, store: ParameterStore, mappings: Sequence[MidiMapping]) -> None:
        """Look-ups by channel (1..16) and controller."""
        self._store = store
        self._by_control: dict[tuple[int, int], list[MidiMapping]] = {}
        for mapping in mappings:
            channels = range(1, 17) if mapping.channel is None else (mapping.channel,)
            for channel in channels:
                self._by_control.setdefault((channel, mapping.cc), []).append(mapping)
        self.received = 0

    def receive(self, message: Sequence[int], at_s: float | None = None) -> None:
        """One MIDI message, which arrived at a monotonic time or now.

        What is no mapped control change is left alone.
        """
        if len(message) != 3 or message[0] & 0xF0 != CONTROL_CHANGE:
            return
        status, control, value = message
        self.received += 1
        hand = (status & 0x0F) + 1, control
        for mapping in self._by_control.get(hand, ()):
            position = (value & 0x7F) / CONTROLLER_STEPS
            self._store.set_position(
                mapping.parameter, position, mapping.player, "midi", hand, at_s
            )


class FakeMidiInput:
    """The twin without hardware: `send` is what a controller would do."""

    def __init__(
        self, store: ParameterStore, preset: MidiPreset, on_clock: OnClock | None = None
    ) -> None:
        """Open at once."""
        self.name, self.connected = "fake", True
        self._changes: ControlChanges | None = ControlChanges(store, preset.mappings)
        self._on_clock = on_clock

    def send(self, *message: int, at_s: float | None = None) -> None:
        """A message arrives, at a monotonic time or now; after `close` nothing does."""
        if self._changes is None:
            return
        if message and message[0] in CLOCK_MESSAGES:
            if self._on_clock is not None:
                self._on_clock(message, time.monotonic() if at_s is None else at_s)
        else:
            self._changes.receive(message, at_s)

    def close(self) -> None:
        """See `MidiInput`."""
        self._changes = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RealMidiInput:
    """An open port of the system's MIDI.

    A port that was named is looked for once in a while: it may go, and come back under another
    number. Meanwhile nothing is received.
    """

    def __init__(
        self,
        midi: Any,
        name: str,
        changes: ControlChanges,
        on_clock: OnClock | None = None,
        wanted: str | None = None,
    ) -> None:
        """Listen on an open `rtmidi.MidiIn`; `wanted` is the part of a name to look for."""
        self._name, self._midi = name, midi
        self._port = None if wanted is None else NamedPort(midi, name, wanted, PORT)
        self._changes, self._on_clock = changes, on_clock
        self._closed = threading.Event()
        # Nothing is ignored: the time since a message that was ignored would be lost.
        midi.ignore_types(sysex=False, timing=False, active_sense=False)
        self._thread = threading.Thread(target=self._collect, name="midi", daemon=True)
        self._thread.start()

    @property
    def name(self) -> str:
        """Of the port."""
        return self._name if self._port is None else self._port.name

    @property
    def connected(self) -> bool:
        """See `MidiInput`."""
        return self._port is None or self._port.there

    def _collect(self) -> None:
        arrivals = Arrivals()
        midi, looked_s = self._midi, time.monotonic()
        while not self._closed.wait(POLL_S):
            if self._port is not None and time.monotonic() > looked_s + LOOK_S:
                self._port.look()
                looked_s = time.monotonic()
            # Messages may come faster than they are read: this must end when it is told to.
            while not self._closed.is_set() and (event := midi.get_message()) is not None:
                message, since_last_s = event
                arrived_s = arrivals.at(since_last_s, time.monotonic())
                if message[0] not in CLOCK_MESSAGES:
                    self._changes.receive(message, arrived_s)
                elif self._on_clock is not None:
                    self._on_clock(message, arrived_s)

    def close(self) -> None:
        """See `MidiInput`. The collecting ends first: a closed port must not be asked."""
        midi, self._midi = self._midi, None
        if midi is None:
            return
        self._closed.set()
        self._thread.join()
        # A server that has died may never answer: do not wait for it longer than a moment.
        thread = threading.Thread(target=release, args=(midi,), name="midi-release", daemon=True)
        thread.start()
        thread.join(RELEASE_LIMIT_S)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def open_midi(
    store: ParameterStore, preset: MidiPreset, on_clock: OnClock | None = None
) -> RealMidiInput:
    """The port that the preset names, or a virtual one that others connect to.

    Raises:
        NoMidi: there is no MIDI here, and no port was named.
        CompanionError: the named port is not there.
    """
    changes = ControlChanges(store, preset.mappings)
    try:
        midi = open_client()
    except NoMidi as error:
        if preset.port is None:
            raise
        raise CompanionError(f"MIDI port {preset.port!r} is not there: {error}") from error
    if preset.port is None:
        try:
            midi.open_virtual_port(PORT)
        except Exception as error:
            release(midi)
            raise NoMidi(f"no virtual MIDI port here ({error})") from error
        return RealMidiInput(midi, f"{CLIENT}:{PORT}", changes, on_clock)
    ports = midi.get_ports()
    valid = ", ".join(map(repr, ports)) or "none, nothing is connected"
    found = ports_of(midi, preset.port)
    if not found:
        release(midi)
        raise CompanionError(f"there is no MIDI port {preset.port!r}; valid: {valid}")
    number, name = found[0]
    try:
        midi.open_port(number, PORT)
    except Exception as error:  # where only one program may have it
        release(midi)
        raise CompanionError(
            f"MIDI port {name!r} does not open ({error}); valid: {valid}"
        ) from error
    return RealMidiInput(midi, name, changes, on_clock, preset.port)


def list_midi_ports() -> tuple[str, ...]:
    """Names of the MIDI inputs; empty where there is no MIDI."""
    try:
        midi = open_client()
    except NoMidi:
        return ()
    ports = tuple(midi.get_ports())
    release(midi)
    return ports


def open_client(output: bool = False) -> Any:
    """A client of the system's MIDI; on Linux of JACK where ALSA's sequencer is absent.

    Raises:
        NoMidi: there is no MIDI here.
    """
    try:
        import rtmidi
    except ImportError as error:
        raise NoMidi(f"MIDI is not available ({error})") from error
    kinds = [rtmidi.API_UNSPECIFIED]
    if sys.platform == "linux":
        compiled = rtmidi.get_compiled_api()
        kinds = [rtmidi.API_LINUX_ALSA] if ALSA_SEQUENCER.exists() else []
        kinds = [k for k in (*kinds, rtmidi.API_UNIX_JACK) if k in compiled]
    problem: Exception | None = None
    for kind in kinds:
        try:
            with _silent_libraries():
                if output:
                    midi = rtmidi.MidiOut(kind, name=CLIENT)
                else:
                    midi = rtmidi.MidiIn(kind, name=CLIENT, queue_size_limit=QUEUE_MESSAGES)
                midi.get_ports()  # a JACK client without a server fails here at the latest
        except Exception as error:  # rtmidi's own classes differ by version
            problem = error
            continue
        return midi
    raise NoMidi(f"MIDI is not available ({problem})")


@contextlib.contextmanager
def _silent_libraries() -> Iterator[None]:
    """What C libraries print about servers that are not there would only alarm the performer."""
    sys.stderr.flush()
    kept, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 2)
    try:
        yield
    finally:
        os.dup2(kept, 2)
        os.close(kept)
        os.close(nowhere)


def release(midi: Any) -> None:
    """Close a client's port and end it."""
    with contextlib.suppress(Exception):  # it may be gone with its server
        midi.close_port()
        midi.delete()
