"""OSC out: packets to Max, TouchDesigner, Pure Data, a controller's screen.

*Threading*: an `OscSender` belongs to one thread. `send` never waits: what the system cannot take
at once is dropped and counted.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Sequence
from typing import Protocol

from pythonosc.osc_bundle_builder import IMMEDIATELY, OscBundleBuilder
from pythonosc.osc_message_builder import OscMessageBuilder

from companion.control.osc_address import SocketAddress, open_sender
from companion.control.osc_packet import Argument
from companion.control.preset import OscTarget

Messages = Iterable[tuple[str, Sequence[Argument]]]
"""Addresses with their arguments."""


class Ear(Protocol):
    """Somebody who asked to be told all there is to tell."""

    def tell(self, messages: Messages, by: Hashable = None) -> None:
        """Be told, without waiting; not what comes from them themselves (`by` them)."""
        ...


def bundle(messages: Messages) -> bytes:
    """Messages as one bundle to be acted on at once; a switch is sent as 1 or 0, which all read."""
    whole = OscBundleBuilder(IMMEDIATELY)
    for address, arguments in messages:
        message = OscMessageBuilder(address)
        for argument in arguments:
            message.add_arg(int(argument) if isinstance(argument, bool) else argument)
        whole.add_content(message.build())
    return whole.build().dgram


class OscSender:
    """Sends to every target over UDP; whether anybody listens it does not know.

    Attributes:
        sent, dropped: packets, to each target.
    """

    def __init__(
        self,
        targets: Sequence[OscTarget],
        own: Sequence[SocketAddress] = (),
        ears: Sequence[Ear] = (),
    ) -> None:
        """Look the hosts up, once.

        Args:
            targets: of the preset.
            own: where the companion itself listens, which can be no target.
            ears: who is told the same, and more.

        Raises:
            CompanionError: a host is not known, or it is the companion itself, by name.
        """
        self.sent = self.dropped = 0
        self._closed, self._ears = False, tuple(ears)
        self._targets = [open_sender(target, own) for target in targets]
        self._names = [f"{target.host}:{target.port}" for target in targets]
        self._failing: dict[str, str] = {}  # why, by target

    def send(self, messages: Messages) -> None:
        """Send messages as one bundle; none at all sends nothing. Never waits."""
        kept = tuple(messages)
        if not kept or self._closed:
            return
        self.send_more(kept)
        packet = bundle(kept) if self._targets else b""
        for name, (sender, where) in zip(self._names, self._targets, strict=True):
            try:
                sender.sendto(packet, where)
                self.sent += 1
                self._failing.pop(name, None)
            except BlockingIOError:  # the system's buffer is full
                self.dropped += 1
            except OSError as error:  # the network is gone, or this may not be sent there
                self.dropped += 1
                self._failing[name] = error.strerror or str(error)

    def send_more(self, messages: Messages, by: Hashable = None) -> None:
        """Tell the ears alone; `by` is whose message it comes from. Never waits."""
        kept = tuple(messages)
        if kept and not self._closed:
            for ear in self._ears:
                ear.tell(kept, by)

    @property
    def trouble(self) -> str:
        """Which targets cannot be sent to and why, one line; empty while all can."""
        failing = ", ".join(f"{name} ({why})" for name, why in self._failing.items())
        return f"OSC cannot be sent to {failing}" if failing else ""

    def close(self) -> None:
        """Send no more; again does nothing."""
        self._closed = True
        for sender, _ in self._targets:
            sender.close()
