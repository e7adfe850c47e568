"""The wire to the process that holds PortAudio; see ``companion.device.child``.

*Threading*: ``ask``, ``close`` and ``kill`` belong to one thread. ``lost`` may be read from any. A
thread of its own reads what the process says.
"""

from __future__ import annotations

import contextlib
import json
import queue
import sys
import threading
from dataclasses import asdict, dataclass
from typing import Any

from companion.audio.memory import AudioMemory
from companion.device.devices import Device, DuplexDevice
from companion.system.child import Child
from companion.system.errors import CompanionError, NoDevice

START_LIMIT_S = 60.0  # a first run compiles the callback
ANSWER_LIMIT_S = 15.0
CLOSE_LIMIT_S = 3.0
ENDED = "the sound system's process has ended"
Message = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Wanted:
    """What device to look for, as ``choose_duplex`` takes it; None is the default."""

    input: str | int | None = None
    output: str | int | None = None
    rate: int | None = None
    click_channel: int | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A stream that runs with its lease closed.

    Attributes:
        latency_s: of input and output, as the sound system says, with our own conversion.
        rate: what the device runs at, Hz; it may differ from the memory's.
    """

    latency_s: tuple[float, float]
    rate: int


class DeviceLink:
    """A child process that holds PortAudio: a way to one device, used up with its first stream.

    Attributes:
        lost: whether the device, or the process that holds it, is known to be gone.
    """

    def __init__(self) -> None:
        """Start it; it is ready by the first question."""
        # What it prints is lost: sound libraries print about all that is not there.
        self._child = Child((sys.executable, "-m", "companion.device.child"))
        self._said: queue.Queue[Message] = queue.Queue()
        self.lost = False
        self._ready = False
        threading.Thread(target=self._read, name="audio-link", daemon=True).start()

    def choose(self, wanted: Wanted) -> DuplexDevice:
        """The device as it is there now; CompanionError, NoDevice if it is not."""
        found = self._ask("device", do="choose", wanted=asdict(wanted))
        ends = {end: Device(**found[end]) for end in ("input", "output")}
        return DuplexDevice(**{**found, **ends})

    def open(self, memory: AudioMemory, lease: int, block: int) -> Opened:
        """Run the chosen device on a lease of the memory; CompanionError if it does not run."""
        handle, size = memory.handle
        where = {"memory": handle, "size": size, "lease": lease}
        told = self._ask("open", do="open", rate=memory.rate, block=block, **where)
        return Opened(tuple(told["latency_s"]), told["rate"])

    def _ask(self, key: str, **message: Any) -> Any:
        """The answer's value; CompanionError if it is an error, or none comes in time."""
        if self.lost or self._child.input.closed:
            raise CompanionError(ENDED)
        if not self._ready:
            self._expect("ready", START_LIMIT_S)
            self._ready = True
        with contextlib.suppress(OSError):  # it is gone: no answer comes
            self._child.input.write(json.dumps(message).encode() + b"\n")
            self._child.input.flush()
        return self._expect(key, ANSWER_LIMIT_S)

    def _expect(self, key: str, limit_s: float) -> Any:
        try:
            said = self._said.get(timeout=limit_s)
        except queue.Empty:
            self.kill()
            raise CompanionError(f"the sound system did not answer for {limit_s:g} s") from None
        if key in said:
            return said[key]
        raise (NoDevice if said.get("missing") else CompanionError)(said["error"])

    def _read(self) -> None:
        with self._child.output as stream:
            for line in stream:
                said = json.loads(line)
                if "lost" in said:
                    self.lost = True
                else:
                    self._said.put(said)
        self.lost = True
        self._said.put({"error": ENDED})

    def close(self) -> None:
        """Let go of the device in peace. Again does nothing."""
        self._child.hang_up()
        self._child.end(CLOSE_LIMIT_S)

    def kill(self) -> None:
        """Let go of it at once, whatever it does. Again does nothing."""
        self._child.end(0.0)
        self._child.hang_up()
