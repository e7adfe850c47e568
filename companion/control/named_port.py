"""A MIDI port that was asked for by name: it may go, and come back under another number.

*Threading*: belongs to the thread that uses the port.
"""

from __future__ import annotations

from typing import Any

LOOK_S = 0.5
"""Between two looks for the port; a look takes a fraction of a millisecond."""


class NamedPort:
    """A MIDI port that is looked up by its name, again and again.

    Attributes:
        name: its whole name.
        there: whether it was, at the last look.
    """

    def __init__(self, midi: Any, name: str, wanted: str, own: str) -> None:
        """It is open.

        Args:
            midi: rtmidi's client, in or out.
            name: of the port.
            wanted: the part of a name that was asked for.
            own: what the client's own end is called.
        """
        self.name, self.there = name, True
        self._midi, self._wanted, self._own = midi, wanted, own

    def look(self) -> bool:
        """Find it gone, or again, and open it again; True if it has just come back."""
        found = ports_of(self._midi, self._wanted)
        if self.there:
            self.there = any(name == self.name for _, name in found)
            return False
        if not found:
            return False
        number, name = found[0]
        try:
            self._midi.close_port()
            self._midi.open_port(number, self._own)
        except Exception:  # gone again, or another program has it: at the next look
            return False
        self.name, self.there = name, True
        return True


def ports_of(midi: Any, wanted: str) -> list[tuple[int, str]]:
    """Numbers and names of the ports whose name holds a text, whatever its case."""
    try:
        ports = midi.get_ports()
    except Exception:  # rtmidi's own classes differ by version
        return []
    return [(n, name) for n, name in enumerate(ports) if wanted.casefold() in name.casefold()]
