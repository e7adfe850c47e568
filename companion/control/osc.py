"""OSC in: messages from Max, TouchDesigner, Pure Data, a phone turn knobs.

`/companion/<player>/<knob> value`, `/companion/<knob> value` for the rig; `*` as player is all.
A value is a number (clamped to the knob's range), true or false, or a choice's text; a trigger
needs none.

*Threading*: one daemon thread, `osc`, receives and sets; `OscServer` is opened and closed by one
thread, its counters may be read from any.
"""

from __future__ import annotations

import socket
import threading
from typing import Any, Self

from pythonosc.dispatcher import Dispatcher
from pythonosc.osc_server import BlockingOSCUDPServer

from companion.control.parameters import BY_NAME
from companion.control.preset import OscPreset
from companion.control.store import ParameterStore
from companion.errors import CompanionError

ROOT = "companion"
RECEIVE_BUFFER_BYTES = 8 << 20
"""Bursts of thousands of messages arrive whole."""
MAX_PACKET_BYTES = 8192
MAX_ARGUMENTS = 8


class OscKnobs:
    """Turns knobs by messages, without a socket: the part that the fake shares."""

    def __init__(self, store: ParameterStore) -> None:
        """Nothing received yet."""
        self._store = store
        self.accepted = 0
        self.rejected = 0
        self.last_error = ""

    def receive(self, address: str, *arguments: Any) -> None:
        """One message; what makes no sense is counted and named in `last_error`."""
        try:
            self._turn(address, arguments[:MAX_ARGUMENTS])
            self.accepted += 1
        except CompanionError as error:
            self.reject(f"OSC {address[:80]}: {error}")

    def reject(self, why: str) -> None:
        """Count what could not be used."""
        self.rejected += 1
        self.last_error = why

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
    """The twin without a socket: `receive` is what a message would do."""

    address = "fake"

    def close(self) -> None:
        """Nothing to close."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class _Server(BlockingOSCUDPServer):
    max_packet_size = MAX_PACKET_BYTES

    def __init__(self, where: tuple[str, int], dispatcher: Dispatcher, knobs: OscKnobs) -> None:
        super().__init__(where, dispatcher)
        self._knobs = knobs
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_BUFFER_BYTES)

    def verify_request(self, request: Any, client_address: Any) -> bool:
        usable = super().verify_request(request, client_address)
        if not usable:
            self._knobs.reject("a packet that is no OSC")
        return bool(usable)

    def handle_error(self, request: Any, client_address: Any) -> None:
        # The library's own way is a traceback on standard error for every mangled packet.
        self._knobs.reject("a packet that is no OSC")


class OscServer(OscKnobs):
    """Receives on a UDP port, on loopback unless the preset says otherwise."""

    def __init__(self, store: ParameterStore, preset: OscPreset) -> None:
        """Receive at once.

        Raises:
            CompanionError: the address cannot be used, by name.
        """
        super().__init__(store)
        # A bundle dated ahead must not stop the server until its time has come.
        dispatcher = Dispatcher(strict_timing=False)
        dispatcher.set_default_handler(self.receive)
        where = f"{preset.host}:{preset.port}"
        try:
            self._server: _Server | None = _Server((preset.host, preset.port), dispatcher, self)
        except (OSError, OverflowError) as error:
            raise CompanionError(
                f"OSC cannot listen on {where} ({error}); valid: an address of this machine and "
                "a port that nobody uses"
            ) from error
        self.host, self.port = preset.host, int(self._server.server_address[1])
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.1,), name="osc", daemon=True
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
