"""The process that holds PortAudio: ``python -m companion.device.child``.

A sound system that dies takes with it whoever called it: JACK's client library waits for its dead
server for ever, and PortAudio ends the process when it is told to start anew after that. So it
lives in a process of its own, which moves the rig's memory through a lease and can be thrown away.

One JSON object a line comes in, one goes out for each, in order::

    {"do": "choose", "wanted": {…}}                                    -> {"device": {…}}
    {"do": "open", "memory": HANDLE, "size": …, "lease": …, "rate": …, "block": …} -> {"open": {…}}

or ``{"error": …}``, with ``"missing": true`` where there is no device at all. ``{"lost": true}``
comes unasked when the device says that it is gone. The process ends when its input does.

*Threading*: the main thread owns PortAudio. A thread of its own looks whether the device lives.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time
from dataclasses import asdict, replace
from typing import Any, BinaryIO

import numpy as np

from companion.audio import callback as layout
from companion.audio.bridge import bridge_address
from companion.audio.callback import callback_address
from companion.audio.memory import lease_slots
from companion.audio.shared import AttachedBlock
from companion.device.devices import DuplexDevice, choose_duplex, list_devices, portaudio
from companion.device.stream import RELEASE_LIMIT_S, DuplexStream, open_duplex, within
from companion.system.child import become_child
from companion.system.errors import CompanionError, NoDevice

AGAIN_S = 0.5
"""After so long devices are looked for once more, where there were none at all."""
LOOK_S = 0.05
Message = dict[str, Any]


class Holder:
    """PortAudio and at most one stream of it."""

    def __init__(self, parent: BinaryIO) -> None:
        self._parent = parent
        self._saying = threading.Lock()
        self._device: DuplexDevice | None = None
        self._stream: DuplexStream | None = None
        self._fresh = True

    def answer(self, asked: Message) -> Message:
        """What comes of one request."""
        try:
            return self._choose(asked) if asked["do"] == "choose" else self._open(asked)
        except NoDevice as error:
            return {"error": str(error), "missing": True}
        except (CompanionError, OSError) as error:
            return {"error": str(error)}

    def _choose(self, asked: Message) -> Message:
        if not self._fresh:
            self._begin_again()
        fresh, self._fresh = self._fresh, False
        try:
            self._device = choose_duplex(list_devices(), **asked["wanted"])
        except NoDevice:
            if not fresh:
                raise
            # A sound server that has just been started, or is busy with other clients, may have let
            # PortAudio wait for too long: it would say that there is no device at all.
            time.sleep(AGAIN_S)
            self._begin_again()
            self._device = choose_duplex(list_devices(), **asked["wanted"])
        return {"device": asdict(self._device)}

    def _begin_again(self) -> None:
        """Have PortAudio list its devices anew, which it does once.

        Nowhere else is it ended and begun again: after a sound system has died under an open stream
        this ends the process.
        """
        portaudio()._terminate()
        portaudio()._initialize()

    def _open(self, asked: Message) -> Message:
        assert self._device is not None, "choose comes first"
        block = AttachedBlock(asked["memory"], asked["size"])
        header = block.data[: 8 * layout.HEADER_SLOTS].view(np.int64)
        slots = lease_slots(header, asked["lease"])
        device, rate, size = self._device, asked["rate"], asked["block"]
        try:
            self._stream = open_duplex(replace(device, rate=rate), block, size, rate, slots)
        except CompanionError:
            own = round(device.output.default_rate)
            if own == rate:
                raise
            device = replace(device, rate=own)
            self._stream = open_duplex(device, block, size, rate, slots)
        self._stream.start()
        threading.Thread(target=self._look, args=(self._stream,), daemon=True).start()
        return {"open": {"latency_s": self._stream.latency_s, "rate": device.rate}}

    def _look(self, stream: DuplexStream) -> None:
        """Say so once when PortAudio no longer calls the stream active."""
        while stream is self._stream and stream.running:
            time.sleep(LOOK_S)
        if stream is self._stream:
            self.say({"lost": True})

    def end(self) -> None:
        """Let go of the stream and of PortAudio, but never wait for it longer than a moment.

        A JACK server that waits for its clients would wait for one that is gone without a word.
        """
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.close()
        if not self._fresh:
            within(RELEASE_LIMIT_S, portaudio()._terminate)

    def say(self, message: Message) -> None:
        """One line to the parent."""
        with self._saying:
            self._parent.write(json.dumps(message).encode() + b"\n")
            self._parent.flush()


def main() -> int:
    """Serve until the input ends."""
    holder = Holder(become_child())
    callback_address()  # compiled now, not when a device waits
    bridge_address()
    holder.say({"ready": os.getpid()})
    for line in sys.stdin:
        holder.say(holder.answer(json.loads(line)))
    holder.end()
    os._exit(0)  # no other clean-up may hold it up


if __name__ == "__main__":
    raise SystemExit(main())
