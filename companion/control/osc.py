"""OSC in: messages from Max, TouchDesigner, Pure Data, a phone turn knobs.

`/companion/<player>/<knob> value`, `/companion/<knob> value` for the rig; `*` as player is all.
A value is a number (clamped to the knob's range), true or false, or a choice's text; a trigger
needs none.

*Threading*: one daemon thread, `osc`, receives and sets; `OscServer` is opened and closed by one
thread, its counters may be read from any.
"""

from __future__ import annotations

import socket
import sys
import threading
from typing import Any, Self

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

from companion.control.osc_packet import MAX_PACKET_BYTES, read_packet
from companion.control.parameters import BY_NAME
from companion.control.preset import OscPreset
from companion.control.store import ParameterStore
from companion.errors import CompanionError

ROOT = "companion"
RECEIVE_BUFFER_BYTES = 8 << 20
"""Bursts of thousands of messages arrive whole."""
MAX_ERROR_CHARACTERS = 200


class OscKnobs:
    """Turns knobs by messages, without a socket: the part that the fake shares."""

    def __init__(self, store: ParameterStore) -> None:
        """Nothing received yet."""
        self._store = store
        self.accepted = 0
        self.rejected = 0
        self.last_error = ""

    def receive_packet(self, packet: bytes) -> None:
        """A packet as it came; one that is not whole turns nothing and is counted as one."""
        try:
            messages = read_packet(packet)
        except ValueError as error:
            self.reject(f"a packet that is no OSC: {error}")
            return
        for address, arguments in messages:
            self.receive(address, *arguments)

    def receive(self, address: str, *arguments: Any) -> None:
        """One message; what makes no sense is counted and named in `last_error`."""
        try:
            self._turn(address, arguments)
            self.accepted += 1
        except CompanionError as error:
            self.reject(f"OSC {address[:80]}: {error}")

    def reject(self, why: str) -> None:
        """Count what could not be used; the reason is kept short and printable."""
        self.rejected += 1
        kept = why[:MAX_ERROR_CHARACTERS]
        self.last_error = "".join(c if c.isprintable() else "?" for c in kept)
        self._store.refuse(self.last_error)

    def _turn(self, address: str, arguments: tuple[Any, ...]) -> None:
        parts = address.split("/")
        if len(parts) not in (3, 4) or parts[:2] != ["", ROOT]:
            raise CompanionError(f"unknown address; valid: /{ROOT}/PLAYER/KNOB or /{ROOT}/KNOB")
        player = parts[2] if len(parts) == 4 else None
        name = parts[-1]
        knob = BY_NAME.get(name)
        if not arguments and knob is not None and knob.kind == "trigger":
            arguments = (True,)
        if len(arguments) != 1:
            raise CompanionError(f"{len(arguments)} values; valid: 1")
        value = arguments[0]
        if isinstance(value, (int, float)) and not isinstance(value, bool):
            self._store.set_number(name, float(value), player, "osc")
        else:
            self._store.set(name, value, player, "osc")


class FakeOscServer(OscKnobs):
    """The twin without a socket: `receive_packet` is what a client would do."""

    address = "fake"

    def __init__(self, store: ParameterStore) -> None:
        """Receive at once."""
        super().__init__(store)
        self._closed = False

    def receive_packet(self, packet: bytes) -> None:
        """A packet arrives; after `close` none does."""
        if not self._closed:
            super().receive_packet(packet)

    def close(self) -> None:
        """Receive no more; again does nothing."""
        self._closed = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Packets(Dispatcher):
    """Hands packets on as they are: reading and addressing are ours, see `osc_packet`."""

    def __init__(self, knobs: OscKnobs) -> None:
        super().__init__(strict_timing=False)
        self._knobs = knobs

    def call_handlers_for_packet(self, data: bytes, client_address: Any) -> list[Any]:
        self._knobs.receive_packet(data)
        return []  # what to answer


class _Server(BlockingOSCUDPServer):
    max_packet_size = MAX_PACKET_BYTES + 1  # one more, so that what is too long shows

    def __init__(self, where: tuple[str, int], knobs: OscKnobs) -> None:
        super().__init__(where, _Packets(knobs))
        self._knobs = knobs
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        return True  # so that what is no OSC is counted too

    def handle_error(self, request: Any, client_address: Any) -> None:
        # The library's own way is a traceback on standard error.
        self._knobs.reject(f"a packet that could not be handled: {sys.exception()}")


class OscServer(OscKnobs):
    """Receives on a UDP port, on loopback unless the preset says otherwise."""

    def __init__(self, store: ParameterStore, preset: OscPreset) -> None:
        """Receive at once.

        Raises:
            CompanionError: the address cannot be used, by name.
        """
        super().__init__(store)
        where = f"{preset.host}:{preset.port}"
        try:
            self._server: _Server | None = _Server((preset.host, preset.port), self)
        except (OSError, OverflowError, UnicodeError) as error:  # the last: no name of a host
            raise CompanionError(
                f"OSC cannot listen on {where} ({error}); valid: an address of this machine and "
                "a port that nobody uses"
            ) from error
        self.host, self.port = preset.host, int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.02,), name="osc", daemon=True
        )
        self._thread.start()

    @property
    def address(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    def close(self) -> None:
        """Receive no more; again does nothing."""
        server, self._server = self._server, None
        if server is not None:
            server.shutdown()
            self._thread.join()
            server.server_close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
