"""The audio callback, compiled to machine code, and the memory layout it works on.

The callback copies, counts and returns: it takes no lock (the interpreter's neither), allocates
nothing and waits for nothing. Everything it knows, channel counts, ring size, number of voices,
gains, it reads from the memory block it is handed, so one compiled function serves every device
and the offline clock alike.

Memory block, in this order::

    int64   header[HEADER_SLOTS]            counters and geometry (slots below)
    float64 state[STATE_SLOTS + 5 * voices] gains, limiter, meters (slots below)
    float32 capture[ring]                   input, mean of the channels
    float32 timeline[voices][ring]          what each voice is going to play
    float32 played[voices][ring]            what each voice did play, after its gain

``ring`` is a power of two; absolute frame f lives in cell ``f & (ring - 1)`` of every ring. The
timeline cell of frame f is cleared when frame ``f + ring / 2`` passes, so a writer may write up to
half a ring ahead, and a cell that is written too late is never heard a turn of the ring later.

The layout lives in this file because compiled code is cached on disk by this file's date.

*Threading*: the audio thread runs the callback and is the only one that advances the counters,
moves the smoothed values and writes the capture and played rings. All others only write targets
and timeline cells ahead of ``POSITION``. Nothing here may be called from two threads at once on
the same block.
"""

from __future__ import annotations

import ctypes
import functools
import math
from typing import Any

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import carray, cfunc, njit, types  # type: ignore[attr-defined]
from numba.extending import intrinsic

# --- header: int64 slots -------------------------------------------------------------------
POSITION = 0  # frames processed since the block was made; the one clock
BLOCKS = 1
RING = 2
VOICES = 3
INPUT_CHANNELS = 4
OUTPUT_CHANNELS = 5
INPUT_UNDERFLOWS = 6  # blocks PortAudio marked, one counter per flag, in the order of its bits
INPUT_OVERFLOWS = 7
OUTPUT_UNDERFLOWS = 8
OUTPUT_OVERFLOWS = 9
MISSED = 10  # frames the device's clock passed without calling us
ZEROED = 11  # samples that were not finite and became 0
LIMITED = 12  # samples the limiter turned down
STREAM_BLOCKS = 13  # blocks since the present stream started
HEADER_SLOTS = 64

# --- state: float64 slots ------------------------------------------------------------------
GAIN_STEP = 0  # largest change of a gain per sample
RELEASE_STEP = 1  # recovery of the limiter's gain per sample
METER_DECAY = 2  # natural logarithm of a peak meter's decay per sample
MONITOR_TARGET = 3
MONITOR_GAIN = 4
LIMITER_GAIN = 5
INPUT_PEAK = 6
OUTPUT_PEAK = 7
SAMPLE_RATE = 8
SLIP_LOW = 9  # least slip seen in the running window, samples
SLIP_BASE = 10  # least slip of the window before, samples
STATE_SLOTS = 16
VOICE_TARGET = 0  # five slots for each voice follow
VOICE_GAIN = 1
VOICE_PEAK = 2
VOICE_TAKEN = 3  # the target that the last block moved towards
VOICE_SINCE = 4  # frame from which on it did
VOICE_SLOTS = 5

CEILING = float(np.float32(0.98))  # a sample of exactly this level still passes
SLIP_WINDOW_BLOCKS = 64  # long enough to see past a late wake-up, which catches up again

_Cells = Any  # a stretch of the block as an array, for the compiler
_jit: Any = njit  # the type stubs of both know nothing of bare decorators
_intrinsic: Any = intrinsic

# PaStreamCallback. C's unsigned long is 32 bits wide on Windows.
_ULONG = types.uint64 if ctypes.sizeof(ctypes.c_ulong) == 8 else types.uint32
_SIGNATURE = types.intc(types.voidptr, types.voidptr, _ULONG, types.voidptr, _ULONG, types.voidptr)


@_intrinsic
def _release_fence(typing_context: Any) -> Any:
    """Make every store above visible to other threads before any store below."""

    def generate(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        builder.fence("release")
        return ir.Constant(ir.IntType(64), 0)

    return types.int64(), generate


@_jit
def _approach(value: float, target: float, step: float) -> float:  # pragma: no cover - machine code
    """One sample's move of a gain towards its target; it gets there exactly."""
    if target > value + step:
        return value + step
    if target < value - step:
        return value - step
    return target


@_jit
def _count(  # pragma: no cover - machine code
    header: _Cells, state: _Cells, frames: int, now_s: float, flags: int
) -> None:
    """Add PortAudio's flags, and the frames its clock passed without us.

    Slip is how far the device's clock is ahead of our counter. A late wake-up raises it for a
    moment, a missed period for good: so the least slip of one window is compared with the least
    of the window before. A drift between the two clocks is far below one period a window.
    """
    for bit in range(4):
        if flags & (1 << bit):
            header[INPUT_UNDERFLOWS + bit] += 1
    slip = now_s * state[SAMPLE_RATE] - header[POSITION]
    blocks = header[STREAM_BLOCKS]
    header[STREAM_BLOCKS] = blocks + 1
    if blocks % SLIP_WINDOW_BLOCKS == 0:
        if blocks > SLIP_WINDOW_BLOCKS:
            periods = math.floor((state[SLIP_LOW] - state[SLIP_BASE]) / frames + 0.5)
            if periods > 0:
                header[MISSED] += int(periods) * frames
        state[SLIP_BASE] = state[SLIP_LOW]
        state[SLIP_LOW] = slip
    elif slip < state[SLIP_LOW]:
        state[SLIP_LOW] = slip


@_jit
def _take_input(  # pragma: no cover - machine code
    header: _Cells, state: _Cells, capture: _Cells, taken: _Cells, mix: _Cells, frames: int
) -> float:
    """Input to the capture ring (mean of the channels), and through the monitor to the mix."""
    position = header[POSITION]
    mask = header[RING] - 1
    channels = header[INPUT_CHANNELS]
    stride = header[OUTPUT_CHANNELS]
    gain = state[MONITOR_GAIN]
    peak = 0.0
    for j in range(frames):
        total = 0.0
        for channel in range(channels):
            total += taken[j * channels + channel]
        if not math.isfinite(total):
            total = 0.0
            header[ZEROED] += 1
        sample = np.float32(total / channels)
        capture[(position + j) & mask] = sample
        peak = max(peak, float(abs(sample)))
        gain = _approach(gain, state[MONITOR_TARGET], state[GAIN_STEP])
        mix[j * stride] = sample * gain
    state[MONITOR_GAIN] = gain
    return peak


@_jit
def _play_voice(  # pragma: no cover - machine code
    header: _Cells,
    state: _Cells,
    slot: int,
    timeline: _Cells,
    played: _Cells,
    mix: _Cells,
    frames: int,
) -> float:
    """One voice's timeline times its gain into the mix and its played ring; clear far behind."""
    position = header[POSITION]
    mask = header[RING] - 1
    half = header[RING] // 2
    stride = header[OUTPUT_CHANNELS]
    target = state[slot + VOICE_TARGET]
    gain = state[slot + VOICE_GAIN]
    if target != state[slot + VOICE_TAKEN]:
        state[slot + VOICE_TAKEN] = target
        state[slot + VOICE_SINCE] = position
    peak = 0.0
    for j in range(frames):
        cell = (position + j) & mask
        gain = _approach(gain, target, state[GAIN_STEP])
        out = np.float32(timeline[cell] * gain)
        if not math.isfinite(out):
            out = np.float32(0.0)
            header[ZEROED] += 1
        played[cell] = out
        mix[j * stride] += out
        peak = max(peak, float(abs(out)))
        timeline[(position + j + half) & mask] = 0.0
    state[slot + VOICE_GAIN] = gain
    return peak


@_jit
def _limit(  # pragma: no cover - machine code
    header: _Cells, state: _Cells, mix: _Cells, frames: int
) -> float:
    """Keep the mix under the ceiling and copy it to the first two channels.

    The gain drops at once to what the sample at hand needs and recovers by a fixed step a sample.
    While it is 1 the mix passes bit for bit.
    """
    stride = header[OUTPUT_CHANNELS]
    gain = state[LIMITER_GAIN]
    peak = 0.0
    for j in range(frames):
        sample = float(mix[j * stride])
        if not math.isfinite(sample):
            sample = 0.0
            header[ZEROED] += 1
        gain = min(1.0, gain + state[RELEASE_STEP])
        if abs(sample) * gain > CEILING:
            gain = CEILING / abs(sample)
        if gain < 1.0:
            header[LIMITED] += 1
        out = np.float32(sample * gain)
        peak = max(peak, float(abs(out)))
        for channel in range(stride):
            mix[j * stride + channel] = out if channel < 2 else np.float32(0.0)
    state[LIMITER_GAIN] = gain
    return peak


def _process(  # pragma: no cover - machine code
    samples_in: Any, samples_out: Any, count: int, times: Any, flags: int, block: Any
) -> int:
    """PaStreamCallback: one block of ``count`` frames through the rig; always paContinue."""
    frames: Any = np.int64(count)  # unsigned times signed would become floating point
    header = carray(block, (HEADER_SLOTS,), np.int64)
    voices = header[VOICES]
    ring = header[RING]
    numbers = STATE_SLOTS + VOICE_SLOTS * voices
    state = carray(block, (HEADER_SLOTS + numbers,), np.float64)[HEADER_SLOTS:]
    first = 2 * (HEADER_SLOTS + numbers)  # in float32 cells
    audio = carray(block, (first + (1 + 2 * voices) * ring,), np.float32)[first:]
    taken = carray(samples_in, (frames * header[INPUT_CHANNELS],), np.float32)
    mix = carray(samples_out, (frames * header[OUTPUT_CHANNELS],), np.float32)

    if header[POSITION] == 0:  # no ramp into gains that were set before the first block
        state[MONITOR_GAIN] = state[MONITOR_TARGET]
        for voice in range(voices):
            slot = STATE_SLOTS + VOICE_SLOTS * voice
            state[slot + VOICE_GAIN] = state[slot + VOICE_TARGET]

    _count(header, state, frames, carray(times, (3,), np.float64)[1], np.int64(flags))
    fallen = math.exp(state[METER_DECAY] * frames)
    peak = _take_input(header, state, audio[:ring], taken, mix, frames)
    state[INPUT_PEAK] = max(peak, state[INPUT_PEAK] * fallen)
    for voice in range(voices):
        slot = STATE_SLOTS + VOICE_SLOTS * voice
        timeline = audio[(1 + voice) * ring : (2 + voice) * ring]
        played = audio[(1 + voices + voice) * ring : (2 + voices + voice) * ring]
        peak = _play_voice(header, state, slot, timeline, played, mix, frames)
        state[slot + VOICE_PEAK] = max(peak, state[slot + VOICE_PEAK] * fallen)
    peak = _limit(header, state, mix, frames)
    state[OUTPUT_PEAK] = max(peak, state[OUTPUT_PEAK] * fallen)

    _release_fence()  # who reads the new position finds the samples it covers
    header[POSITION] += frames
    header[BLOCKS] += 1
    return 0


@functools.cache
def _compiled() -> Any:
    """Compile once per process; keep the machine code on disk where a folder allows it."""
    try:
        return cfunc(_SIGNATURE, cache=True)(_process)
    except RuntimeError:  # no writable folder for the cache: compile for this process only
        return cfunc(_SIGNATURE)(_process)


def callback_address() -> int:
    """Address of the compiled PaStreamCallback; the first call may take seconds to compile.

    Call it before a stream starts. The code stays valid for the life of the process. Its last
    argument (``userData``) is the address of a block laid out as above.
    """
    return int(_compiled().address)
