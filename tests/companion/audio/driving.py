"""Calls the compiled callback as PortAudio would, on buffers made here."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from companion.audio.callback import callback_address
from companion.audio.lease import Lease
from companion.audio.machine import callable_at
from companion.audio.memory import AudioMemory, Samples

PERIOD = 64


def drive(
    memory: AudioMemory,
    heard: np.ndarray,
    blocks: Iterable[int] | None = None,
    outputs: int = 1,
    flags: int = 0,
    clock_s: Iterable[float] | None = None,
    lease: Lease | None = None,
) -> Samples:
    """Play ``heard`` ([n] or [n, channels]) through the rig; float32 [n, outputs] comes out.

    ``blocks`` are the sizes of the first blocks; the rest goes in periods. ``clock_s`` is what the
    device's clock shows at each block, by default the memory's position. ``lease`` is by default an
    open one of these channels.
    """
    heard = np.ascontiguousarray(heard if heard.ndim == 2 else heard[:, None], np.float32)
    out = np.full((len(heard), outputs), np.nan, np.float32)
    if lease is None:
        lease = Lease(memory, heard.shape[1], outputs)
        lease.open()
    call = callable_at(callback_address())
    times = np.zeros(3)
    done = 0
    sizes = iter(blocks or ())
    clock = iter(clock_s or ())
    while done < len(heard):
        size = min(next(sizes, PERIOD), len(heard) - done)
        times[1] = next(clock, memory.position / memory.rate)
        a, b = heard[done : done + size], out[done : done + size]
        code = call(a.ctypes.data, b.ctypes.data, size, times.ctypes.data, flags, lease.address)
        assert code == 0
        done += size
    return out


def pass_time(memory: AudioMemory, frames: int) -> Samples:
    """Let ``frames`` frames of silence go by; what came out, float32 [frames]."""
    return drive(memory, np.zeros(frames, np.float32))[:, 0]
