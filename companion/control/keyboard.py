"""A MIDI keyboard that tells chords: what is held on it goes before chart and OSC.

*Threading*: belongs to the thread that brings MIDI.
"""

from __future__ import annotations

from companion.control.midi_device import is_meant
from companion.control.midi_message import Move
from companion.listen.harmony import Harmony


class Keyboard:
    """Hears the notes of one device, or of all, and tells the chord that they make."""

    def __init__(self, harmony: Harmony, wanted: str | bool) -> None:
        """Nothing is held; `wanted` is part of a port's name, True for any, False for none."""
        self._harmony, self._wanted = harmony, wanted
        self._held: set[tuple[str, int, int]] = set()  # device, channel, note

    def moved(self, device: str, move: Move) -> None:
        """A control was moved that turns no knob."""
        control, wanted = move.control, self._wanted
        if control.kind != "note" or wanted is False:
            return
        if not is_meant(None if wanted is True else wanted, device):
            return
        key = device, control.channel, control.number
        if move.value:
            self._held.add(key)
        else:
            self._held.discard(key)
        self._tell()

    def forget(self, device: str) -> None:
        """A device has gone, and with it the keys that were down on it."""
        if any(key[0] == device for key in self._held):
            self._held = {key for key in self._held if key[0] != device}
            self._tell()

    def _tell(self) -> None:
        self._harmony.hold({note for *_, note in self._held})
