"""A device at another rate plays into the memory as it would at the memory's own."""

from __future__ import annotations

import ctypes

import numpy as np
import pytest

from companion.audio.bridge import Bridge, bridge_address
from companion.audio.memory import AudioMemory

MEMORY_RATE, DEVICE_RATE = 48_000, 44_100


def captured(heard: np.ndarray) -> np.ndarray:
    """What the memory hears of float32 [frames, channels] at the device's rate."""
    memory = AudioMemory(MEMORY_RATE, 1)
    bridge = Bridge(memory, MEMORY_RATE, DEVICE_RATE, heard.shape[1], 2)
    bridge.lease.open()
    pointer = ctypes.c_void_p
    kinds = (pointer, pointer, ctypes.c_ulong, pointer, ctypes.c_ulong, pointer)
    call = ctypes.CFUNCTYPE(ctypes.c_int, *kinds)(bridge_address())
    heard, out = np.ascontiguousarray(heard, np.float32), np.zeros((512, 2), np.float32)
    times = np.zeros(3)
    for first in range(0, len(heard) - 511, 512):
        block = heard[first:][:512]
        arrays = block.ctypes.data, out.ctypes.data
        assert call(*arrays, 512, times.ctypes.data, 0, bridge.address) == 0
    return memory.capture(0, memory.position)


@pytest.mark.parametrize(("second", "level"), [(1.0, 1.0), (-1.0, 1.0), (0.0, 0.5)])
def test_two_channels_are_heard_as_one_also_where_one_is_upside_down(
    second: float, level: float
) -> None:
    tone = np.sin(2 * np.pi * 441 * np.arange(DEVICE_RATE // 2) / DEVICE_RATE).astype(np.float32)
    found = captured(np.stack([tone, second * tone], axis=1))
    end = found[-4800:]  # ten whole periods of every 100 frames
    assert np.sqrt(2 * np.mean(end**2)) == pytest.approx(level, abs=0.02)
