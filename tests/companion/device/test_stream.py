"""A duplex stream around a port that works, fails, or never comes back."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import numpy as np
import pytest

from companion.audio.lease import Lease
from companion.audio.memory import AudioMemory
from companion.device import stream as module
from companion.device.devices import Device, DuplexDevice
from companion.device.stream import DuplexStream, open_duplex
from companion.system.errors import CompanionError
from tests.companion.audio.driving import drive

CARD = Device(3, "card", "ALSA", 2, 2, 8000.0, True, True, 0)
DUPLEX = DuplexDevice(CARD, CARD, 8000, 2, 2)


class Port:
    """A port that calls back once when it is started; ``broken`` and ``hung`` name methods."""

    latency = (0.01, 0.02)

    def __init__(self, memory: AudioMemory, broken: str = "", hung: str = "") -> None:
        self.lease = Lease(memory, 2, 2)
        self.broken = broken
        self.hung = hung
        self.calls: list[str] = []
        self.let_go = threading.Event()

    def _do(self, name: str) -> None:
        self.calls.append(name)
        if name == self.hung:
            self.let_go.wait()
        if name == self.broken:
            raise RuntimeError("device is gone")

    def start(self) -> None:
        self._do("start")
        if self.broken != "silent":
            drive(self.lease.memory, np.zeros((8, 2)), outputs=2, lease=self.lease)

    def stop(self) -> None:
        self._do("stop")

    def close(self) -> None:
        self._do("close")


@pytest.fixture
def memory() -> AudioMemory:
    return AudioMemory(8000, 1, ring_samples=1024)


@pytest.fixture
def kept(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[object]]:
    """Streams that were abandoned in this test; limits are short, exits are left alone."""

    class Library:
        def _exit_handler(self) -> None: ...

    abandoned: list[object] = []
    monkeypatch.setattr(module, "_abandoned", abandoned)
    monkeypatch.setattr(module, "portaudio", Library)
    monkeypatch.setattr(module, "RELEASE_LIMIT_S", 0.01)
    monkeypatch.setattr(module, "FIRST_BLOCK_LIMIT_S", 0.01)
    yield abandoned
    for port, *_ in abandoned:  # type: ignore[misc]
        port.let_go.set()


def test_it_runs_from_start_to_close_and_may_be_closed_twice(memory: AudioMemory) -> None:
    port = Port(memory)
    stream = DuplexStream(port, DUPLEX, port.lease)
    assert stream.latency_s == (0.01, 0.02)
    assert stream.running
    stream.start()
    stream.lease.open()
    stream.close()
    stream.close()
    assert not stream.running
    assert port.calls == ["start", "stop", "close"]
    drive(memory, np.zeros((8, 2)), outputs=2, lease=port.lease)
    assert memory.position == 0  # its lease is closed with it
    with pytest.raises(CompanionError, match="'card' is closed"):
        stream.start()


def test_one_that_was_not_started_is_closed_at_once(memory: AudioMemory) -> None:
    port = Port(memory)
    DuplexStream(port, DUPLEX, port.lease).close()
    assert port.calls == ["close"]


def test_a_device_that_does_not_start_is_named(memory: AudioMemory) -> None:
    port = Port(memory, broken="start")
    stream = DuplexStream(port, DUPLEX, port.lease)
    with pytest.raises(CompanionError, match="cannot start 'card': device is gone"):
        stream.start()


def test_a_device_that_starts_but_never_calls_is_named(
    memory: AudioMemory, kept: list[object]
) -> None:
    port = Port(memory, broken="silent")
    stream = DuplexStream(port, DUPLEX, port.lease)
    with pytest.raises(CompanionError, match="'card' was started but gave no sound"):
        stream.start()
    stream.close()
    assert port.calls == ["start", "stop", "close"]


def test_a_device_that_fails_to_stop_or_close_is_let_go(memory: AudioMemory) -> None:
    for broken in ("stop", "close"):
        port = Port(memory, broken=broken)
        stream = DuplexStream(port, DUPLEX, port.lease)
        stream.start()
        stream.close()
        assert port.calls == ["start", "stop", "close"]


@pytest.mark.parametrize("hung", ["stop", "close"])
def test_a_device_that_never_comes_back_is_left_with_its_memory(
    memory: AudioMemory, kept: list[object], hung: str
) -> None:
    port = Port(memory, hung=hung)
    stream = DuplexStream(port, DUPLEX, port.lease)
    stream.start()
    stream.close()
    stream.close()
    assert kept == [(port, port.lease)]
    assert not stream.running


class RefusingPortAudio:
    """Opens nothing."""

    class PortAudioError(Exception):
        pass

    class _ffi:
        @staticmethod
        def cast(kind: str, address: int) -> int:
            return address

    @classmethod
    def _StreamBase(cls, **settings: object) -> None:
        raise cls.PortAudioError("Invalid sample rate")


def test_a_device_that_does_not_open_is_named_with_what_was_asked(
    memory: AudioMemory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "portaudio", lambda: RefusingPortAudio)
    with pytest.raises(CompanionError) as error:
        open_duplex(DUPLEX, memory, blocksize=16)
    assert str(error.value) == (
        "cannot open 'card' at 8000 Hz with 2 in and 2 out: Invalid sample rate"
    )
