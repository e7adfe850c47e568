"""OSC in: messages from Max, TouchDesigner, Pure Data, a phone turn knobs, and ask to be told.

`/companion/<player>/<knob> value`, `/companion/<knob> value` for the rig; see `osc_turning`. A
value is a number (clamped to the knob's range), true or false, or a choice's text; a trigger needs
none. Beside the knobs there are commands:

- `/companion/chord name [bar]` tells a chord, from the next plan or from a bar on;
- `/companion/subscribe [port]` and `/companion/unsubscribe [port]`, see `osc_subscribers`;
- `/companion/ping` is answered with `/companion/pong`, `/companion/dump` with all there is to tell.

What makes no sense is answered with `/companion/error` and the reason, to the sender alone, at most
ten times a second; so often can all be asked for. A subscriber whose value was clamped is told what
it is now, so that a fader goes back. Bundles are waited for, see `osc_schedule`.

*Threading*: one daemon thread, `osc`, receives and sets; `OscServer` is opened and closed by one
thread, its counters may be read from any, and `Subscribers` and `Latest` told from any.
"""

from __future__ import annotations

import selectors
import threading
from collections.abc import Callable, Hashable
from functools import partial
from typing import Any

from companion.control.osc_address import SocketAddress, open_listeners
from companion.control.osc_allowance import MOST_A_SECOND, Allowance
from companion.control.osc_clamped import Clamped
from companion.control.osc_inbox import Inbox
from companion.control.osc_latest import Latest
from companion.control.osc_out import Messages, bundle
from companion.control.osc_packet import MAX_PACKET_BYTES, is_whole, read_dated
from companion.control.osc_peers import Peers
from companion.control.osc_schedule import Schedule, Waiting
from companion.control.osc_subscribers import Subscribers
from companion.control.osc_turning import ROOT, all_knob_messages, is_root, turn
from companion.control.preset import OscPreset
from companion.control.store import ParameterStore
from companion.listen.chord import read_chord
from companion.listen.harmony import Harmony
from companion.system.errors import CompanionError

CHORD = "chord"
"""The command, below the root, that chords are sent to."""
ERROR = f"/{ROOT}/error"
MAX_BAR = 1_000_000
POLL_S = 0.02
"""How long `close` waits at most."""
AT_A_TIME = 64
"""Packets that are read before others are taken in, and what was dated ahead is looked at again."""
AT_ONCE = 2048
"""Packets that are taken in before some are read."""
MAX_ERROR_CHARACTERS = 200

Command = Callable[[tuple[Any, ...], Hashable], None]
"""Told the arguments of a message and whose it is; CompanionError if they make no sense."""
Answer = Callable[[Hashable, Messages], None]
"""Told a sender and what to send to it."""


class OscKnobs:
    """Turns knobs by messages, without a socket."""

    def __init__(
        self,
        store: ParameterStore,
        harmony: Harmony | None = None,
        answer: Answer = lambda *_: None,
        schedule: Schedule | None = None,
    ) -> None:
        """Nothing received yet.

        Args:
            store: the knobs.
            harmony: told the chords that come in.
            answer: how senders are answered.
            schedule: for bundles that are dated ahead.
        """
        self._store = store
        self._harmony = Harmony() if harmony is None else harmony
        self._answer, self._complaints = answer, Allowance()
        self._clamped = Clamped(store, self._tell_clamped)
        self.schedule = Schedule() if schedule is None else schedule
        self._commands: dict[str, Command] = {CHORD: self._tell, "ping": self._pong}
        self.accepted = 0
        self.rejected = 0
        self.last_error = ""

    def on(self, address: str, command: Command) -> None:
        """Have a command done at an address below the root, such as `dump`."""
        self._commands[address] = command

    def reply(self, sender: Hashable, messages: Messages) -> None:
        """Send messages to who sent one."""
        self._answer(sender, messages)

    def receive_packet(self, packet: bytes, sender: Hashable = None) -> None:
        """A packet as it came; one that is no OSC turns nothing and is counted as one.

        Args:
            packet: a message or a bundle.
            sender: whose it is: a button is held by one hand, see `ParameterStore.set_number`.
        """
        try:
            messages = read_dated(packet, lambda why: self.reject(f"OSC: {why}", sender=sender))
        except ValueError as error:
            self.reject(f"a packet that is no OSC: {error}", sender=sender)
            return
        self._do(self.schedule.put(messages, sender))

    def receive_due(self) -> None:
        """Do what was dated ahead and is due now, and tell what became of clamped values."""
        self._do(self.schedule.due())
        self._clamped.tell()

    def receive(self, address: str, *arguments: Any, sender: Hashable = None) -> None:
        """One message; what makes no sense is counted and named in `last_error`."""
        try:
            clamped = self._act(address, arguments, sender)
            self.accepted += 1
        except CompanionError as error:
            self.reject(f"OSC {address[:80]}: {error}", address[:80], sender)
            return
        if clamped:
            self._complain(f"OSC {address[:80]}: {clamped}", sender)

    def reject(self, why: str, about: str = "", sender: Hashable = None) -> None:
        """Count what could not be used, and answer its sender; the reason is kept short.

        `about` is the address that it was sent to, if it had one.
        """
        self.rejected += 1
        self.last_error = _shortly(why)
        self._store.refuse(self.last_error, about)
        if not about.endswith("/error"):  # a complaint about complaints would never end
            self._complain(why, sender)

    def _do(self, due: list[Waiting]) -> None:
        for each in due:
            self.receive(each.message.address, *each.message.arguments, sender=each.sender)

    def _complain(self, why: str, sender: Hashable) -> None:
        if sender is not None and self._complaints.take(sender):
            self._answer(sender, [(ERROR, (_shortly(why),))])

    def _act(self, address: str, arguments: tuple[Any, ...], sender: Hashable) -> str:
        """Do what a message says; what was clamped, if anything."""
        start, root, *below = address.split("/", 2)
        command = self._commands.get(below[0]) if below and not start else None
        if command is not None and is_root(root):
            command(arguments, sender)
            return ""
        return turn(self._store, address, arguments, sender, partial(self._clamped.owe, sender))

    def _tell_clamped(self, sender: Hashable, messages: Messages) -> None:
        """Have a sender told which values its knobs have in truth, where it is told any."""

    def _tell(self, arguments: tuple[Any, ...], _: Hashable) -> None:
        """A chord's name, and perhaps the bar, from 1, that it begins in; "" for the chart's."""
        name, *bars = arguments or (None,)
        if (
            not isinstance(name, str)
            or len(bars) > 1
            or any(not is_whole(bar, MAX_BAR) for bar in bars)
        ):
            raise CompanionError(
                f"{arguments!r}; valid: a chord's name, and perhaps the bar it begins in, from 1"
            )
        bar = int(bars[0]) - 1 if bars else None
        if name.strip():
            self._harmony.send(read_chord(name), bar)
        else:
            self._harmony.release(bar)

    def _pong(self, _: tuple[Any, ...], sender: Hashable) -> None:
        self._answer(sender, [(f"/{ROOT}/pong", ())])


class OscServer(OscKnobs):
    """Receives on a UDP port, on loopback unless the preset says otherwise.

    Attributes:
        places: socket addresses at which it listens.
        subscribers: who asked to be told everything.
        latest: what was told last, for those who ask for all of it.
        more: what else they are told.
    """

    def __init__(
        self, store: ParameterStore, preset: OscPreset, harmony: Harmony | None = None
    ) -> None:
        """Receive at once.

        Raises:
            CompanionError: the address cannot be used, by name.
        """
        super().__init__(store, harmony, self._send_to)
        self._preset, self._peers = preset, Peers(preset.peers)
        self._sockets = open_listeners(preset.host, preset.port)
        for each in self._sockets:
            each.setblocking(False)
        self.places = tuple(each.getsockname() for each in self._sockets)
        self.host, self.port = preset.host, int(self.places[0][1])
        self.subscribers = Subscribers(self._send, self.places)
        knobs = (all_knob_messages(store, player) for player in (None, *store.players))
        self.latest = Latest(address for each in knobs for address, _ in each)
        self.on("subscribe", self._subscribe)
        self.on("unsubscribe", self._unsubscribe)
        self.on("dump", lambda _, sender: self._dump(sender))
        self._dumps, self.more = Allowance(), list[Callable[[], Messages]]()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._serve, name="osc", daemon=True)
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    @property
    def only(self) -> str:
        """For the performer, behind the address: who alone is obeyed, where others can be heard."""
        if self._peers.include(self.places[0][0]):
            return ""
        listed = ", ".join(self._preset.peers)
        return f", from this machine {f'and {listed}' if listed else 'alone: osc.peers is empty'}"

    def _subscribe(self, arguments: tuple[Any, ...], sender: Any) -> None:
        self.subscribers.add(sender, _at_most_one(arguments))
        self._dump(sender)

    def _unsubscribe(self, arguments: tuple[Any, ...], sender: Any) -> None:
        self.subscribers.remove(sender, _at_most_one(arguments))

    def _dump(self, sender: Hashable) -> None:
        """All there is to tell, as a bundle for the rig, one for each player and one for news."""
        if not self._dumps.take(sender):
            raise CompanionError(f"asked for too often; valid: {MOST_A_SECOND} times a second")
        for player in (None, *self._store.players):
            self._send_to(sender, all_knob_messages(self._store, player))
        self._send_to(sender, self.latest.messages())
        for more in self.more:
            self._send_to(sender, more())

    def _tell_clamped(self, sender: Any, messages: Messages) -> None:
        if self.subscribers.include(sender):
            self._send_to(sender, messages)

    def _send_to(self, sender: Any, messages: Messages) -> None:
        kept = tuple(messages)
        if kept:
            self.subscribers.send(bundle(kept), self.subscribers.reply_to(sender))

    def _send(self, packet: bytes, place: SocketAddress) -> None:
        # Through the port that the companion listens at: there it is expected from.
        for each, own in zip(self._sockets, self.places, strict=True):
            if len(own) == len(place):  # of the same family
                each.sendto(packet, place)
                return

    def _serve(self) -> None:
        inbox = Inbox()
        with selectors.DefaultSelector() as selector:
            for each in self._sockets:
                selector.register(each, selectors.EVENT_READ)
            while not self._closed.is_set():
                wait_s = 0.0 if len(inbox) else self.schedule.wait_s(POLL_S)
                for key, _ in selector.select(wait_s):
                    self._take_in(key.fileobj, inbox)
                for _ in range(min(AT_A_TIME, len(inbox))):
                    self._receive_one(*inbox.get())
                self._safely(self.receive_due)

    def _take_in(self, listener: Any, inbox: Inbox) -> None:
        """Take what has come from the system, before there is too much for it."""
        before = inbox.let_go
        for _ in range(AT_ONCE):
            try:
                inbox.put(*listener.recvfrom(MAX_PACKET_BYTES + 1))  # what is too long shows
            except OSError:  # that was all, or it was no packet after all, or its sender is gone
                break
        if inbox.let_go > before:
            self._store.refuse("OSC comes faster than it can be read: the oldest is let go", "OSC")

    def _receive_one(self, packet: bytes, sender: SocketAddress) -> None:
        if not self._peers.include(sender[0]):  # not answered: it is nobody's business
            self.rejected += 1
            why = f"OSC from {sender[0]}, which is not in osc.peers, is not obeyed"
            self._store.refuse(why, str(sender[0]))
            return
        self.subscribers.heard(sender)
        self._safely(lambda: self.receive_packet(packet, sender))

    def _safely(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # nothing that is sent may end this thread
            self.reject(f"a packet that could not be handled: {error}")

    def close(self) -> None:
        """Receive no more; again does nothing."""
        self._closed.set()
        self._thread.join()
        for each in self._sockets:
            each.close()


def _at_most_one(arguments: tuple[Any, ...]) -> Any:
    """The argument, or None where there is none."""
    if len(arguments) > 1:
        raise CompanionError(f"{len(arguments)} values; valid: a port, or nothing")
    return arguments[0] if arguments else None


def _shortly(why: str) -> str:
    """A reason that is short and printable."""
    return "".join(c if c.isprintable() else "?" for c in why[:MAX_ERROR_CHARACTERS])
