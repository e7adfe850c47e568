"""A sound device without hardware: the fake twin of the process that holds PortAudio.

*Threading*: a `FakeWorld` belongs to one thread unless it is told to run by itself; then a thread
of its own, `fake-audio`, passes its time.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

import numpy as np

from companion.audio.callback import callback_address
from companion.audio.lease import Lease
from companion.audio.machine import callable_at
from companion.audio.memory import AudioMemory, Samples, lease_slots
from companion.device.devices import Device, DuplexDevice, choose_duplex
from companion.device.wire import Opened, Wanted
from companion.system.errors import CompanionError


class FakeWorld:
    """Devices that come and go, and a cable from each output back to its input.

    Attributes:
        devices: those that are plugged in.
        round_trip_samples: from the output back to the input; None: no cable. At least a block.
        now_s: its time, seconds.
    """

    def __init__(self, devices: tuple[Device, ...], round_trip_samples: int | None = None) -> None:
        self.devices = devices
        self.round_trip_samples = round_trip_samples
        self.latency_s = (0.0, 0.0)
        self.now_s = 100.0
        self.links: list[FakeLink] = []

    def clock(self) -> float:
        """Seconds."""
        return self.now_s

    def sleep(self, seconds: float) -> None:
        """Pass so much time."""
        self.now_s += seconds
        for link in self.links:
            link.keep_up()

    def open_link(self) -> FakeLink:
        """A way to its devices."""
        self.links.append(FakeLink(self))
        return self.links[-1]

    def unplug(self) -> None:
        """Every device is gone."""
        self.devices = ()
        for link in self.links:
            link.lost = link.lost or link.running

    def run(self) -> Callable[[], None]:
        """Pass time by itself from now on; what is returned ends that."""
        ended = threading.Event()

        def go() -> None:
            last_s = time.monotonic()
            while not ended.wait(0.001):
                now_s = time.monotonic()
                self.sleep(now_s - last_s)
                last_s = now_s

        thread = threading.Thread(target=go, name="fake-audio", daemon=True)
        thread.start()

        def end() -> None:
            ended.set()
            thread.join()

        return end


class FakeLink:
    """See `DeviceLink`."""

    def __init__(self, world: FakeWorld) -> None:
        self._world = world
        self._device: DuplexDevice | None = None
        self._lease: Lease | None = None
        self.lost = False

    @property
    def running(self) -> bool:
        """Whether it has a stream."""
        return self._lease is not None

    def choose(self, wanted: Wanted) -> DuplexDevice:
        """See `DeviceLink`."""
        devices = self._world.devices
        self._device = choose_duplex(
            devices, wanted.input, wanted.output, wanted.rate, wanted.click_channel
        )
        return self._device

    def open(self, memory: AudioMemory, lease: int, block: int) -> Opened:
        """See `DeviceLink`."""
        device = self._device
        if device is None or self.lost:
            raise CompanionError("there is no such device")
        channels = device.input_channels, device.output_channels, device.click_channel
        slots = lease_slots(memory._header, lease)
        self._lease = Lease(memory, *channels, slots)
        self._block, self._rate = block, memory.rate
        self._started_s, self._done = self._world.now_s, 0
        self._call = callable_at(callback_address())
        trip = self._world.round_trip_samples
        self._cable: list[Samples] = [np.zeros(trip or 0, np.float32)]
        self.keep_up()
        return Opened(self._world.latency_s, memory.rate)

    def keep_up(self) -> None:
        """Call the callback for every block that is due."""
        while self._lease is not None and not self.lost:
            due_s = self._started_s + self._done * self._block / self._rate
            if self._world.now_s < due_s:
                return
            self._one_block(self._lease)
            self._done += 1

    def _one_block(self, lease: Lease) -> None:
        assert self._device is not None
        cable = np.concatenate(self._cable)
        taken = np.zeros((self._block, self._device.input_channels), np.float32)
        if self._world.round_trip_samples is not None:
            heard = cable[: self._block]
            taken[: len(heard)] = heard[:, None]
        given = np.zeros((self._block, self._device.output_channels), np.float32)
        times = np.full(3, self._done * self._block / self._rate)
        addresses = taken.ctypes.data, given.ctypes.data
        self._call(*addresses, self._block, times.ctypes.data, 0, lease.address)
        self._cable = [cable[self._block :], given[:, 0].copy()]
        self.output = given

    def close(self) -> None:
        """See `DeviceLink`."""
        self._lease = None

    def kill(self) -> None:
        """See `DeviceLink`."""
        self.lost = True
        self._lease = None
