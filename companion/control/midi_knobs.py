"""What controllers say turns knobs: every device's messages, by the mappings.

*Threading*: `receive`, `settle` and `forget` belong to the thread that brings the messages; `bind`
and `waits_for` may be called from any. What is bound is one value that is replaced as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from companion.clock.midi_clock import CLOCK_MESSAGES, GONE_S
from companion.control.midi_device import is_meant
from companion.control.midi_mapping import MidiMapping
from companion.control.midi_message import Control, Decoder, Move
from companion.control.midi_turn import Turn
from companion.control.parameters import Value
from companion.control.store import ParameterStore

OnClock = Callable[[Sequence[int], float], None]
"""Given each message of the clock and the monotonic time at which it arrived."""
OnMove = Callable[[str, Move, float], bool]
"""Given a device, a move and its time before it turns anything; true keeps it from doing so."""
OnFree = Callable[[str, Move], None]
"""Given a device and a move of it that no mapping means."""
Table = Mapping[Control, Sequence[Turn]]


@dataclass(frozen=True, slots=True)
class _Bound:
    """Mappings at work, and for each device that was heard what each of its controls turns."""

    turns: Mapping[MidiMapping, Turn]
    tables: dict[str, Table] = field(default_factory=dict)


class MidiKnobs:
    """Turns knobs by mappings, and hands the clock on."""

    def __init__(
        self,
        store: ParameterStore,
        mappings: Iterable[MidiMapping],
        on_clock: OnClock = lambda *_: None,
        on_free: OnFree = lambda *_: None,
    ) -> None:
        """Nothing received yet."""
        self._store, self._on_clock, self._on_free = store, on_clock, on_free
        self._decoders: dict[str, Decoder] = {}
        self._listeners: tuple[OnMove, ...] = ()
        self._bound = _Bound({})
        self._master = "", float("-inf")  # the device of the clock, and when it was heard last
        self.bind(mappings)

    def bind(self, mappings: Iterable[MidiMapping]) -> None:
        """These from now on; those that are bound already keep what they know."""
        before = self._bound.turns
        turns = {each: before.get(each) or Turn(self._store, each) for each in mappings}
        self._bound = _Bound(turns)

    def listen(self, listener: OnMove) -> None:
        """Have every move told to a listener first; the first that keeps it is the last told."""
        self._listeners += (listener,)

    @property
    def mappings(self) -> tuple[MidiMapping, ...]:
        """Those that are bound."""
        return tuple(self._bound.turns)

    @property
    def waits_for(self) -> dict[MidiMapping, dict[str | None, Value]]:
        """The mappings whose control waits to take its knob over: at which value, by player."""
        turns = self._bound.turns.items()
        return {mapping: waits for mapping, turn in turns if (waits := turn.waits_for)}

    def table(self, device: str) -> Table:
        """What each control of a device turns: what is mapped for it alone goes before the rest."""
        bound = self._bound
        found = bound.tables.get(device)
        if found is None:
            found = bound.tables[device] = _table(bound.turns, device)
        return found

    def receive(self, message: Sequence[int], at_s: float, device: str = "") -> None:
        """One MIDI message of a device, which arrived at a monotonic time.

        What is neither of the clock nor of a mapped control is left alone.
        """
        if message and message[0] in CLOCK_MESSAGES:
            if self._is_master(device, at_s):
                self._on_clock(message, at_s)
            return
        decoder = self._decoders.get(device)
        if decoder is None:
            decoder = self._decoders[device] = Decoder()
        for move in decoder.moves(message, at_s):
            self._turn(device, move, at_s)

    def refuse(self, why: str, about: str) -> None:
        """Say that something which was to turn a knob could not; see `ParameterStore.refuse`."""
        self._store.refuse(why, about)

    def settle(self, at_s: float) -> None:
        """See to values whose second half has not come; to be called every few milliseconds."""
        for device, decoder in self._decoders.items():
            for move in decoder.settled(at_s):
                self._turn(device, move, at_s)

    def forget(self, device: str) -> None:
        """A device has gone: when it is back its controls may stand anywhere."""
        self._decoders.pop(device, None)
        for turns in self.table(device).values():
            for turn in turns:
                turn.forget()

    def _is_master(self, device: str, at_s: float) -> bool:
        """Whether a device leads: two masters at a time would be none."""
        master, last_s = self._master
        if device != master and at_s - last_s < GONE_S:
            return False
        self._master = device, at_s
        return True

    def _turn(self, device: str, move: Move, at_s: float) -> None:
        if any(listener(device, move, at_s) for listener in self._listeners):
            return
        turns = self.table(device).get(move.control, ())
        for turn in turns:
            turn.move(move, (device, move.control), at_s)
        if not turns:
            self._on_free(device, move)


def _table(turns: Mapping[MidiMapping, Turn], device: str) -> Table:
    own: dict[Control, list[Turn]] = {}
    any_device: dict[Control, list[Turn]] = {}
    for mapping, turn in turns.items():
        if is_meant(mapping.device, device):
            into = any_device if mapping.device is None else own
            for control in mapping.controls():
                into.setdefault(control, []).append(turn)
    return {**any_device, **own}
