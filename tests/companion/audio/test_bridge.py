"""A device at another rate plays into the memory as it would at the memory's own."""

from __future__ import annotations

import numpy as np
import pytest

from companion.audio.bridge import Bridge, bridge_address
from companion.audio.machine import callable_at
from companion.audio.memory import AudioMemory

MEMORY_RATE, DEVICE_RATE = 48_000, 44_100


def played(heard: np.ndarray, stereo: bool = False) -> AudioMemory:
    """A memory that has heard float32 [frames, channels] at the device's rate."""
    memory = AudioMemory(MEMORY_RATE, 1, stereo=stereo)
    bridge = Bridge(memory, MEMORY_RATE, DEVICE_RATE, heard.shape[1], 2)
    bridge.open()
    call = callable_at(bridge_address())
    heard, out = np.ascontiguousarray(heard, np.float32), np.zeros((512, 2), np.float32)
    times = np.zeros(3)
    for first in range(0, len(heard) - 511, 512):
        block = heard[first:][:512]
        arrays = block.ctypes.data, out.ctypes.data
        assert call(*arrays, 512, times.ctypes.data, 0, bridge.address) == 0
    return memory


def captured(heard: np.ndarray) -> np.ndarray:
    """What the memory hears of that."""
    memory = played(heard)
    return memory.capture(0, memory.position)


@pytest.mark.parametrize(("second", "level"), [(1.0, 1.0), (-1.0, 1.0), (0.0, 0.5)])
def test_two_channels_are_heard_as_one_also_where_one_is_upside_down(
    second: float, level: float
) -> None:
    tone = np.sin(2 * np.pi * 441 * np.arange(DEVICE_RATE // 2) / DEVICE_RATE).astype(np.float32)
    found = captured(np.stack([tone, second * tone], axis=1))
    end = found[-4800:]  # ten whole periods of every 100 frames
    assert np.sqrt(2 * np.mean(end**2)) == pytest.approx(level, abs=0.02)


def test_two_channels_are_kept_each_as_it_was_beside_their_mean() -> None:
    n = DEVICE_RATE // 2
    low, high = (
        np.sin(2 * np.pi * hertz * np.arange(n) / DEVICE_RATE).astype(np.float32)
        for hertz in (441, 1764)
    )
    memory = played(np.stack([low, high], axis=1), stereo=True)
    both = memory.capture_stereo(0, memory.position)
    mean = memory.capture(0, memory.position)
    np.testing.assert_allclose(both.mean(axis=1), mean, atol=1e-6)
    for channel, alone in enumerate((low, high)):
        one = captured(np.stack([alone, alone], axis=1))
        np.testing.assert_array_equal(both[:, channel], one)


def test_what_is_not_finite_is_gone_with_its_frame() -> None:
    heard = np.full((2048, 2), 0.5, np.float32)
    heard[1000, 1] = np.nan
    memory = played(heard, stereo=True)
    both = memory.capture_stereo(0, memory.position)
    assert np.isfinite(both).all()
    np.testing.assert_allclose(both[-100:], 0.5, atol=1e-3)
