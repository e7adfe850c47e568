"""A device that runs at another rate than the memory: both ways resampled inside the callback.

A rig keeps its rate from its first stream on: bars, take and rings are laid out for it. A device
that comes back and refuses that rate is opened at its own, with this compiled callback in front of
the rig's. Polyphase windowed sinc, both ways; the ratio is exact, so nothing drifts.

Memory frame j lies at device frame ``j * down / up``, and is made as soon as the filter's later
half has come in; device frame i puts out memory frame ``(i - lag) * up / down``. The delays are
constant.

*Threading*: as ``companion.audio.callback``; a bridge belongs to one stream.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from numba import carray  # type: ignore[attr-defined]

from companion.audio.callback import CEILING, callback_address
from companion.audio.lease import Addressed, Lease, Slots
from companion.audio.machine import ULONG, call, compiled, jit, pointer

CORE, LEASE, UP, DOWN, TAPS_IN, TAPS_OUT, LAG, INPUTS, OUTPUTS, CLICK = range(10)
DEVICE_FRAMES, MEMORY_FRAMES = 10, 11  # counters
RING_IN, RING_OUT, SCRATCH_IN, SCRATCH_OUT, TABLE_IN, TABLE_OUT = range(12, 18)  # addresses
SLOTS = 18
RING = 1 << 16  # cells of each ring, frames
CHUNK = 1024  # device frames at once
CROSSINGS = 24  # of the sinc, each side
ROLL_OFF = 0.92  # the band's edge, as a share of the lower rate's half
BETA = 9.0  # of the Kaiser window: -90 dB
MOST_PHASES = 1920


@jit
def _at(  # pragma: no cover - machine code
    ring: Any, table: Any, index: int, phase: int, taps: int
) -> float:
    """The signal a fraction of a frame after ``index``; the fraction is the phase's."""
    total = 0.0
    first = index - taps // 2 + 1
    row = phase * taps
    for k in range(taps):
        total += table[row + k] * ring[(first + k) & (RING - 1)]
    return total


def _bridge(  # pragma: no cover - machine code
    samples_in: Any, samples_out: Any, count: int, times: Any, flags: int, user: Any
) -> int:
    """PaStreamCallback: one block of a device at its own rate; always paContinue."""
    frames: Any = np.int64(count)
    slots = carray(user, (SLOTS,), np.int64)
    up, down, lag = slots[UP], slots[DOWN], slots[LAG]
    taps_in, taps_out = slots[TAPS_IN], slots[TAPS_OUT]
    inputs, outputs, click = slots[INPUTS], slots[OUTPUTS], slots[CLICK]
    ring_in = carray(pointer(slots[RING_IN]), (inputs * RING,), np.float32)
    ring_out = carray(pointer(slots[RING_OUT]), (2 * RING,), np.float32)
    scratch_in = carray(pointer(slots[SCRATCH_IN]), (inputs * RING,), np.float32)
    scratch_out = carray(pointer(slots[SCRATCH_OUT]), (2 * RING,), np.float32)
    table_in = carray(pointer(slots[TABLE_IN]), (up * taps_in,), np.float32)
    table_out = carray(pointer(slots[TABLE_OUT]), (down * taps_out,), np.float32)
    taken = carray(samples_in, (frames * inputs,), np.float32)
    given = carray(samples_out, (frames * outputs,), np.float32)
    done = 0
    while done < frames:
        some = min(CHUNK, frames - done)
        start = slots[DEVICE_FRAMES]
        for j in range(some):
            for channel in range(inputs):
                heard = taken[(done + j) * inputs + channel]
                cell = channel * RING + ((start + j) & (RING - 1))
                ring_in[cell] = heard if math.isfinite(heard) else np.float32(0.0)
        slots[DEVICE_FRAMES] = start + some

        at = slots[MEMORY_FRAMES]
        made = 0
        while (at + made) * down // up + taps_in // 2 < start + some:
            frame = (at + made) * down
            for channel in range(inputs):
                column = ring_in[channel * RING : (channel + 1) * RING]
                sample = _at(column, table_in, frame // up, frame % up, taps_in)
                scratch_in[made * inputs + channel] = np.float32(sample)
            made += 1
        if made:
            call(
                slots[CORE],
                pointer(slots[SCRATCH_IN]),
                pointer(slots[SCRATCH_OUT]),
                ULONG(made),
                times,
                flags,
                pointer(slots[LEASE]),
            )
        for j in range(made):
            ring_out[(at + j) & (RING - 1)] = scratch_out[2 * j]
            ring_out[RING + ((at + j) & (RING - 1))] = scratch_out[2 * j + 1]
        slots[MEMORY_FRAMES] = at + made

        for j in range(some):
            frame = (start + j - lag) * up
            index, phase = frame // down, frame % down
            mix = _at(ring_out[:RING], table_out, index, phase, taps_out)
            mix = min(max(mix, -CEILING), CEILING)
            for channel in range(outputs):
                out = mix if channel < 2 else 0.0
                if channel == click:
                    tick = _at(ring_out[RING:], table_out, index, phase, taps_out)
                    out = min(max(tick, -CEILING), CEILING)
                given[(done + j) * outputs + channel] = np.float32(out)
        done += some
    return 0


def bridge_address() -> int:
    """Address of the compiled PaStreamCallback; ``userData`` is the address of a ``Bridge``."""
    return int(compiled(_bridge).address)


class Bridge(Lease):
    """The lease of a stream at another rate.

    Args:
        memory: what it moves.
        memory_rate, device_rate: Hz.
        inputs, outputs: channels of the device.
        click: output channel, from 1, that has the click alone; None: in the mix.
        slots: where to sign the lease.
    """

    def __init__(
        self,
        memory: Addressed,
        memory_rate: int,
        device_rate: int,
        inputs: int = 1,
        outputs: int = 1,
        click: int | None = None,
        slots: Slots | None = None,
    ) -> None:
        common = math.gcd(memory_rate, device_rate)
        up, down = memory_rate // common, device_rate // common
        if max(up, down) > MOST_PHASES:
            raise ValueError(
                f"{device_rate} Hz to {memory_rate} Hz is {up}:{down}; too odd a ratio"
            )
        # Two columns out: the mix, and the click where it has a channel of its own.
        super().__init__(memory, inputs, 2, None if click is None else 2, slots, host_clock=True)
        narrow = min(1.0, up / down)
        table_in = _table(up, narrow)
        table_out = _table(down, min(1.0, down / up))
        taps_in, taps_out = table_in.shape[1], table_out.shape[1]
        lag = taps_in // 2 + math.ceil((taps_out // 2 + 2) * down / up)
        self.latency_s = taps_in / 2 / device_rate, (lag - taps_in / 2) / device_rate
        # Unlike np.zeros, np.full maps the pages now, not in the callback.
        rings = [np.full(n * RING, 0, np.float32) for n in (inputs, 2, inputs, 2)]
        self._arrays = [*rings, table_in, table_out]
        column = -1 if click is None else click - 1
        self._bridge = np.zeros(SLOTS, np.int64)
        self._bridge[:10] = (
            *(callback_address(), super().address, up, down, taps_in, taps_out, lag),
            *(inputs, outputs, column),
        )
        self._bridge[RING_IN:] = [array.ctypes.data for array in self._arrays]

    @property
    def address(self) -> int:
        """For the callback's ``userData``. Keep the bridge alive with it."""
        return int(self._bridge.ctypes.data)


def _table(phases: int, narrow: float) -> npt.NDArray[np.float32]:
    """Filter for each fraction of a frame, float32 [phases, taps]; ``narrow`` as share of 1."""
    cutoff = ROLL_OFF * narrow
    half = math.ceil(CROSSINGS / narrow)
    offset = np.arange(2 * half)[None, :] - (half - 1) - np.arange(phases)[:, None] / phases
    inside = np.maximum(0.0, 1.0 - (offset / half) ** 2)
    window = np.i0(BETA * np.sqrt(inside)) / np.i0(BETA)
    table = cutoff * np.sinc(cutoff * offset) * window
    table /= table.sum(axis=1, keepdims=True)  # a constant stays what it is
    return np.ascontiguousarray(table, np.float32)
