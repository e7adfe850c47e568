"""The twins without hardware or sockets of what is open towards other programs."""

from __future__ import annotations

import time
from collections.abc import Callable, Hashable

from companion.control.midi_knobs import MidiKnobs, OnClock
from companion.control.osc import OscKnobs
from companion.control.osc_out import Messages, bundle
from companion.control.preset import MidiPreset
from companion.control.store import Change, ParameterStore


class FakeMidiInput:
    """`send` is what a controller would do."""

    def __init__(
        self,
        store: ParameterStore,
        preset: MidiPreset,
        on_clock: OnClock = lambda *_: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name, self.missing, self.server = "fake", (), 0
        self._closed, self._clock = False, clock
        self.knobs = MidiKnobs(store, preset.mappings, on_clock)
        self.told: list[Change] = []
        self.turned = self.told.append
        self.hears_every: Callable[[], bool] = lambda: False

    def send(self, *message: int, at_s: float | None = None) -> None:
        """A message arrives, at a monotonic time or now; after `close` nothing does."""
        if not self._closed:
            self.knobs.receive(message, self._clock() if at_s is None else at_s)

    def hear_every(self, every: Callable[[], bool]) -> None:
        self.hears_every = every

    def close(self) -> None:
        self._closed = True


class FakeOscServer(OscKnobs):
    """`receive_packet` is what a client would do."""

    def __init__(self, store: ParameterStore) -> None:
        super().__init__(store)
        self._closed = False

    def receive_packet(self, packet: bytes, sender: Hashable = None) -> None:
        """A packet arrives; after `close` none does."""
        if not self._closed:
            super().receive_packet(packet, sender)

    def close(self) -> None:
        self._closed = True


class FakeOscSender:
    """`packets` is what a client would have received."""

    def __init__(self) -> None:
        self.sent = self.dropped = 0
        self.trouble = ""
        self.packets: list[bytes] = []
        self.more: list[tuple[Hashable, list]] = []
        self._closed = False

    def send_more(self, messages: Messages, by: Hashable = None) -> None:
        """What only those are told who asked; `by` is whose message it comes from."""
        kept = list(messages)
        if kept and not self._closed:
            self.more.append((by, kept))

    def send(self, messages: Messages) -> None:
        kept = tuple(messages)
        if kept and not self._closed:
            self.packets.append(bundle(kept))
            self.sent += 1

    def close(self) -> None:
        self._closed = True
