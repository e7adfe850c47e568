"""MIDI out: a port to send through, of the system's MIDI.

*Threading*: a port belongs to one thread at a time.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from companion.control.midi import CLIENT, NoMidi, open_client, release
from companion.control.named_port import NamedPort, ports_of
from companion.system.errors import CompanionError

PORT = "clock"


class RealMidiSender:
    """An open output."""

    def __init__(self, midi: Any, name: str, wanted: str | None = None) -> None:
        """Send through an open `rtmidi.MidiOut`; `wanted` is the part of a name to look for."""
        self.name, self._midi = name, midi
        self._port = None if wanted is None else NamedPort(midi, name, wanted, PORT)

    @property
    def connected(self) -> bool:
        """See `MidiSender`."""
        return self._port is None or self._port.there

    def send(self, message: Sequence[int]) -> None:
        """Send it now; a port that is gone takes nothing."""
        if self._midi is not None:
            self._midi.send_message(list(message))

    def look(self) -> bool:
        """See `MidiSender`."""
        return self._port is not None and self._midi is not None and self._port.look()

    def close(self) -> None:
        """Let go of the port; again does nothing."""
        midi, self._midi = self._midi, None
        if midi is not None:
            release(midi)


def open_midi_output(wanted: str | None) -> RealMidiSender:
    """The output whose name has `wanted` in it; None: a virtual one that others connect to.

    Raises:
        NoMidi: there is no MIDI here, and no port was named.
        CompanionError: the named port is not there, or does not open.
    """
    try:
        midi = open_client(output=True)
    except NoMidi as error:
        if wanted is None:
            raise
        raise CompanionError(f"MIDI output {wanted!r} is not there: {error}") from error
    if wanted is None:
        try:
            midi.open_virtual_port(PORT)
        except Exception as error:
            release(midi)
            raise NoMidi(f"no virtual MIDI port here ({error})") from error
        return RealMidiSender(midi, f"{CLIENT}:{PORT}")
    valid = ", ".join(map(repr, midi.get_ports())) or "none, nothing is connected"
    found = ports_of(midi, wanted)
    if not found:
        release(midi)
        raise CompanionError(f"there is no MIDI output {wanted!r}; valid: {valid}")
    number, name = found[0]
    try:
        midi.open_port(number, PORT)
    except Exception as error:
        release(midi)
        raise CompanionError(
            f"MIDI output {name!r} does not open ({error}); valid: {valid}"
        ) from error
    return RealMidiSender(midi, name, wanted)
