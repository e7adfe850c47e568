"""OSC in: messages from Max, TouchDesigner, Pure Data, a phone turn knobs.

`/companion/<player>/<knob> value`, `/companion/<knob> value` for the rig; each part may be a
pattern, see `osc_pattern`. A value is a number (clamped to the knob's range), true or false, or a
choice's text; a trigger needs none. `/companion/chord name [bar]` tells a chord, from the next
plan or from a bar on.

*Threading*: one daemon thread, `osc`, receives and sets; `OscServer` is opened and closed by one
thread, its counters may be read from any.
"""

from __future__ import annotations

import selectors
import threading
from collections.abc import Hashable, Iterable
from typing import Any

from companion.control.osc_address import open_listeners
from companion.control.osc_packet import IMPULSE, MAX_PACKET_BYTES, read_packet
from companion.control.osc_pattern import is_pattern, matching
from companion.control.parameters import BY_NAME, PARAMETERS
from companion.control.preset import OscPreset
from companion.control.store import ALL, ParameterStore
from companion.listen.chord import read_chord
from companion.listen.harmony import Harmony
from companion.system.errors import CompanionError

ROOT = "companion"
CHORD = "chord"
"""The address, below the root, that chords are sent to."""
MAX_BAR = 1_000_000
POLL_S = 0.02
"""How long `close` waits at most."""
MAX_ERROR_CHARACTERS = 200


class OscKnobs:
    """Turns knobs by messages, without a socket."""

    def __init__(self, store: ParameterStore, harmony: Harmony | None = None) -> None:
        """Nothing received yet; `harmony` is told the chords that come in."""
        self._store = store
        self._harmony = Harmony() if harmony is None else harmony
        self.accepted = 0
        self.rejected = 0
        self.last_error = ""

    def receive_packet(self, packet: bytes, sender: Hashable = None) -> None:
        """A packet as it came; one that is no OSC turns nothing and is counted as one.

        Args:
            packet: a message or a bundle.
            sender: whose it is: a button is held by one hand, see `ParameterStore.set_number`.
        """
        try:
            messages = read_packet(packet, lambda why: self.reject(f"OSC: {why}"))
        except ValueError as error:
            self.reject(f"a packet that is no OSC: {error}")
            return
        for address, arguments in messages:
            self.receive(address, *arguments, sender=sender)

    def receive(self, address: str, *arguments: Any, sender: Hashable = None) -> None:
        """One message; what makes no sense is counted and named in `last_error`."""
        try:
            self._turn(address, arguments, sender)
            self.accepted += 1
        except CompanionError as error:
            self.reject(f"OSC {address[:80]}: {error}", address[:80])

    def reject(self, why: str, about: str = "") -> None:
        """Count what could not be used; the reason is kept short and printable.

        `about` is the address that it was sent to, if it had one.
        """
        self.rejected += 1
        kept = why[:MAX_ERROR_CHARACTERS]
        self.last_error = "".join(c if c.isprintable() else "?" for c in kept)
        self._store.refuse(self.last_error, about)

    def _turn(self, address: str, arguments: tuple[Any, ...], sender: Hashable) -> None:
        parts = address.split("/")
        if len(parts) == 3 and not parts[0] and _is_root(parts[1]) and parts[2] == CHORD:
            self._tell(arguments)
            return
        if len(parts) not in (3, 4) or parts[0] or not _is_root(parts[1]):
            raise CompanionError(f"unknown address; valid: /{ROOT}/PLAYER/KNOB or /{ROOT}/KNOB")
        players: Iterable[str | None] = (None,)
        if len(parts) == 4:
            players = (ALL,) if parts[2] == ALL else _named("player", parts[2], self._store.players)
        scope = "rig" if len(parts) == 3 else "player"
        knobs = [knob.name for knob in PARAMETERS if knob.scope == scope]
        problem: CompanionError | None = None
        for name in _named("knob", parts[-1], knobs):
            for player in players:
                try:
                    self._set(name, player, arguments, (sender, address))
                except CompanionError as error:  # the others that match turn all the same
                    problem = problem or error
        if problem is not None:
            raise problem

    def _tell(self, arguments: tuple[Any, ...]) -> None:
        """A chord's name, and perhaps the bar, from 1, that it begins in; "" for the chart's."""
        name, *bars = arguments or (None,)
        if not isinstance(name, str) or len(bars) > 1 or any(not _is_bar(bar) for bar in bars):
            raise CompanionError(
                f"{arguments!r}; valid: a chord's name, and perhaps the bar it begins in, from 1"
            )
        bar = int(bars[0]) - 1 if bars else None
        if name.strip():
            self._harmony.send(read_chord(name), bar)
        else:
            self._harmony.release(bar)

    def _set(
        self, name: str, player: str | None, arguments: tuple[Any, ...], hand: Hashable
    ) -> None:
        knob = BY_NAME.get(name)
        trigger = knob is not None and knob.kind == "trigger"
        if trigger and arguments in ((), (IMPULSE,)):
            self._store.set(name, True, player, "osc")
            return
        if len(arguments) != 1:
            raise CompanionError(f"{len(arguments)} values; valid: 1")
        (value,) = arguments
        if isinstance(value, (int, float)) and (trigger or not isinstance(value, bool)):
            self._store.set_number(name, float(value), player, "osc", hand)
        else:
            self._store.set(name, value, player, "osc")


def _is_bar(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and 1 <= value <= MAX_BAR and value == int(value)


def _is_root(part: str) -> bool:
    try:
        return bool(matching(part, (ROOT,)))
    except ValueError:
        return False


def _named(what: str, part: str, names: Iterable[str]) -> Iterable[str]:
    """The names that a pattern matches, or the part itself where that is none.

    CompanionError for one that cannot be read, or matches nothing.
    """
    if not is_pattern(part):
        return (part,)
    try:
        found = matching(part, names)
    except ValueError as error:
        raise CompanionError(str(error)) from error
    if not found:
        raise CompanionError(f"no {what} matches; valid: {', '.join(names)}")
    return found


class OscServer(OscKnobs):
    """Receives on a UDP port, on loopback unless the preset says otherwise.

    Attributes:
        places: socket addresses at which it listens.
    """

    def __init__(
        self, store: ParameterStore, preset: OscPreset, harmony: Harmony | None = None
    ) -> None:
        """Receive at once.

        Raises:
            CompanionError: the address cannot be used, by name.
        """
        super().__init__(store, harmony)
        self._sockets = open_listeners(preset.host, preset.port)
        self.places = tuple(each.getsockname() for each in self._sockets)
        self.host, self.port = preset.host, int(self.places[0][1])
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="osc", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def _serve(self) -> None:
        with selectors.DefaultSelector() as selector:
            for each in self._sockets:
                selector.register(each, selectors.EVENT_READ)
            while not self._closed.is_set():
                for key, _ in selector.select(POLL_S):
                    self._receive_from(key.fileobj)

    def _receive_from(self, listener: Any) -> None:
        try:
            packet, sender = listener.recvfrom(MAX_PACKET_BYTES + 1)  # what is too long shows
        except OSError:  # it was no packet after all, or its sender is gone
            return
        try:
            self.receive_packet(packet, sender)
        except Exception as error:  # nothing that is sent may end this thread
            self.reject(f"a packet that could not be handled: {error}")

    def close(self) -> None:
        """Receive no more; again does nothing."""
        self._closed.set()
        self._thread.join()
        for each in self._sockets:
            each.close()
