"""Ports of the system's MIDI, in and out.

*Threading*: a port belongs to one thread at a time.
"""

from __future__ import annotations

import contextlib
import ctypes
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from companion.system.errors import CompanionError
from companion.system.stderr import hushed

CLIENT = "companion"
LOOK_S = 0.5
"""Between two looks for the port; a look takes a fraction of a millisecond."""
QUEUE_MESSAGES = 8192
"""What is kept between two reads; a program that holds the interpreter may delay one by 0.5 s."""
ALSA_SEQUENCER = Path("/dev/snd/seq")
_OWN = re.compile(rf"{CLIENT}(-\d+)?:")  # where there are two, JACK numbers them


class NoMidi(CompanionError):
    """This machine has no MIDI at all; a rig that named no port plays without."""


class MidiPort:
    """An open port; one that was asked for by name may go, and come back under another number.

    Attributes:
        name: its whole name.
        connected: whether it was there, at the last look.
        client: rtmidi's; None once it is closed.
    """

    def __init__(
        self, client: Any, name: str, own: str, wanted: str | None = None, output: bool = False
    ) -> None:
        """It is open.

        Args:
            client: rtmidi's, in or out.
            name: of the port.
            own: what the client's own end is called.
            wanted: the part of a name that was asked for; None for a virtual port.
            output: of those to send to.
        """
        self.client, self.name, self.connected = client, name, True
        self._own, self._wanted, self._output = own, wanted, output
        self._server: Callable[[], int] = lambda: 0
        self._opened_on = 0

    def follow(self, server: Callable[[], int]) -> None:
        """Be opened anew, at a look, whenever JACK's server is another, by its number."""
        self._server, self._opened_on = server, server()

    def look(self) -> bool:
        """Find it gone, or again, and open it again; True if it has just come back."""
        if self._server() != self._opened_on:
            return self._open_anew()
        if self._wanted is None or self.client is None:
            return False
        found = _ports_of(self.client, self._wanted)
        if self.connected:
            self.connected = any(name == self.name for _, name in found)
            return False
        if not found:
            return False
        number, name = found[0]
        try:
            self.client.close_port()
            self.client.open_port(number, self._own)
        except Exception:  # gone again, or another program has it: at the next look
            return False
        self.name, self.connected = name, True
        return True

    def _open_anew(self) -> bool:
        number = self._server()
        try:
            port = open_port(self._wanted, self._own, self._output)
        except CompanionError:
            self.connected = False
            return False
        self.abandon()
        self.client, self.name, self.connected = port.client, port.name, True
        self._opened_on = number
        return True

    def send(self, message: Sequence[int]) -> None:
        """Send it now, through an output; a port that is gone takes nothing."""
        client = self.client
        if client is not None:
            with contextlib.suppress(Exception):  # rtmidi's own classes differ by version
                client.send_message(list(message))

    def close(self) -> None:
        """Let go of the port; again does nothing."""
        client, self.client = self.client, None
        if client is not None:
            with contextlib.suppress(Exception):  # it may be gone with its server
                client.close_port()
                client.delete()

    def abandon(self) -> None:
        """Leave it as it is, for good: its JACK server has died, and there is another.

        Closed, it would take from the new server what is registered there under its numbers, or
        end the process; so not even the end of the process may collect it.
        """
        client, self.client = self.client, None
        if client is not None:
            ctypes.pythonapi.Py_IncRef(ctypes.py_object(client))


def open_port(wanted: str | None, own: str, output: bool = False) -> MidiPort:
    """The port whose name has `wanted` in it; None: a virtual one that others connect to.

    Args:
        wanted: whatever its case.
        own: what its end here is called.
        output: of those to send to, not of those to listen to.

    Raises:
        NoMidi: there is no MIDI here, and no port was named.
        CompanionError: the named port is not there, or does not open.
    """
    kind = "output" if output else "port"
    try:
        client = open_client(output)
    except NoMidi as error:
        if wanted is None:
            raise
        raise CompanionError(f"MIDI {kind} {wanted!r} is not there: {error}") from error
    with contextlib.ExitStack() as undo:
        undo.callback(MidiPort(client, "", own).close)
        if wanted is None:
            try:
                client.open_virtual_port(own)
            except Exception as error:
                raise NoMidi(f"no virtual MIDI port here ({error})") from error
            name = f"{CLIENT}:{own}"
        else:
            valid = ", ".join(map(repr, client.get_ports())) or "none, nothing is connected"
            found = _ports_of(client, wanted)
            if not found:
                raise CompanionError(f"there is no MIDI {kind} {wanted!r}; valid: {valid}")
            number, name = found[0]
            try:
                client.open_port(number, own)
            except Exception as error:  # where only one program may have it
                why = f"MIDI {kind} {name!r} does not open ({error}); valid: {valid}"
                raise CompanionError(why) from error
        undo.pop_all()
    return MidiPort(client, name, own, wanted, output)


def open_named(name: str, own: str, output: bool = False) -> MidiPort | None:
    """The port of a whole name; None if it is gone again, or another program has it.

    Raises:
        NoMidi: there is no MIDI here.
    """
    client = open_client(output)
    try:
        client.open_port(client.get_ports().index(name), own)
    except Exception:  # rtmidi's own classes differ by version
        MidiPort(client, "", own).close()
        return None
    return MidiPort(client, name, own, name, output)


def list_midi_ports(output: bool = False) -> tuple[str, ...]:
    """Names of the MIDI inputs, or outputs; empty where there is no MIDI."""
    try:
        client = open_client(output)
    except NoMidi:
        return ()
    ports = tuple(client.get_ports())
    MidiPort(client, "", "").close()
    return ports


def is_own(name: str) -> bool:
    """Whether a port's name is of a companion."""
    return _OWN.match(name) is not None


def is_jack(client: Any) -> bool:
    """Whether a client is of JACK, whose server may die and come back."""
    try:
        import rtmidi

        return client.get_current_api() == rtmidi.API_UNIX_JACK
    except Exception:
        return False


def open_client(output: bool = False, name: str = CLIENT) -> Any:
    """A client of the system's MIDI; on Linux of JACK where ALSA's sequencer is absent.

    NoMidi if there is none.
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
            with hushed():
                if output:
                    client = rtmidi.MidiOut(kind, name=name)
                else:
                    client = rtmidi.MidiIn(kind, name=name, queue_size_limit=QUEUE_MESSAGES)
                client.get_ports()  # a JACK client without a server fails here at the latest
            return client
        except Exception as error:  # rtmidi's own classes differ by version
            problem = error
    raise NoMidi(f"MIDI is not available ({problem})")


def _ports_of(client: Any, wanted: str) -> list[tuple[int, str]]:
    """Numbers and names of the ports whose name holds a text, whatever its case."""
    try:
        ports = client.get_ports()
    except Exception:
        return []
    return [(n, name) for n, name in enumerate(ports) if wanted.casefold() in name.casefold()]
