"""In place of rtmidi: devices that are plugged in and out, and what is sent to and from them."""

from __future__ import annotations

from collections import defaultdict, deque


class Client:
    """One of rtmidi's, in or out."""

    def __init__(self, bus: MidiBus, output: bool) -> None:
        self._bus, self._output, self._server = bus, output, bus.server
        self.port: str | None = None

    def get_ports(self) -> list[str]:
        bus = self._bus
        return [*bus.outputs, *bus.ends] if self._output else bus.inputs

    def open_port(self, number: int, own: str) -> None:
        self._open(self.get_ports()[number], own)

    def open_virtual_port(self, own: str) -> None:
        self._open("virtual", own)

    def _open(self, port: str, own: str) -> None:
        if port in self._bus.busy:
            raise OSError("it is busy")
        self.port, self._server = port, self._bus.server
        self._bus.opened.append(port)
        if not self._output:
            self._bus.ends.append(f"companion-{len(self._bus.ends):02}:{own}")

    def get_current_api(self) -> int:
        return self._bus.api

    def ignore_types(self, **_: bool) -> None:
        pass

    def get_message(self) -> tuple[list[int], float] | None:
        queue = self._bus.sent[self.port]
        if self._server != self._bus.server or not queue:  # it hears nothing of another server
            return None
        return list(queue.popleft()), 0.0

    def send_message(self, message: list[int]) -> None:
        if self.port in self._bus.ends:
            self._bus.sent["virtual"].append(tuple(message))
        elif self._server == self._bus.server:
            self._bus.told[self.port].append(tuple(message))

    def close_port(self) -> None:
        pass

    def delete(self) -> None:
        self._bus.deleted.append(self.port)


class MidiBus:
    """The library, and the machine's devices.

    Attributes:
        inputs, outputs: names of the devices' ports.
        ends: the companion's own, to listen with.
        sent: what devices have sent, by port, not yet read.
        told: what they were sent.
    """

    API_UNSPECIFIED, API_LINUX_ALSA, API_UNIX_JACK = range(3)

    def __init__(self, *devices: str) -> None:
        self.inputs, self.outputs = list(devices), list(devices)
        self.busy: set[str] = set()
        self.server = 1
        self.api = self.API_UNIX_JACK
        self.ends: list[str] = []
        self.opened: list[str] = []
        self.deleted: list[str | None] = []
        self.sent: defaultdict[str | None, deque[tuple[int, ...]]] = defaultdict(deque)
        self.told: defaultdict[str | None, list[tuple[int, ...]]] = defaultdict(list)

    def restart(self) -> None:
        """The server dies and comes back; nobody's ends are known to it."""
        self.server += 1
        self.ends.clear()

    def plug(self, *devices: str) -> None:
        """These are the devices now."""
        self.inputs, self.outputs = list(devices), list(devices)

    def get_compiled_api(self) -> list[int]:
        return [self.API_UNIX_JACK]

    def MidiIn(self, kind: int, name: str, queue_size_limit: int) -> Client:
        return Client(self, output=False)

    def MidiOut(self, kind: int, name: str) -> Client:
        return Client(self, output=True)
