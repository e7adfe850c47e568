"""The audio callback, compiled to machine code, and the memory layout it works on.

The callback copies, counts and returns: it takes no lock (the interpreter's neither), allocates
nothing and waits for nothing. Everything it knows, ring size, number of voices, gains, it reads
from a memory block, so one compiled function serves every device and the offline clock alike.

It is handed a *lease*: the address of the memory block, the stream's channels, and whether the
stream may touch the memory at all. A stream whose lease is closed puts out silence. So a device
that was given up for dead and wakes up again does no harm, and one that comes back can be listened
to before it takes over from its stand-in.

Memory block, in this order::

    int64   header[HEADER_SLOTS]            counters and geometry (slots below)
    float64 state[STATE_SLOTS + 5 * voices] gains, limiter, meters (slots below)
    float32 capture[ring]                   input, as one channel
    float32 timeline[voices][ring]          what each voice is going to play
    float32 played[voices][ring]            what each voice did play, after its gain
    float32 probe[PROBE_CELLS]              a burst to measure the round trip with
    float32 stereo[ring][2]                 input, as two channels; only where STEREO is 1

``ring`` is a power of two; absolute frame f lives in cell ``f & (ring - 1)`` of every ring. The
timeline cell of frame f is cleared when frame ``f + ring / 2`` passes, so a writer may write up to
half a ring ahead, and a cell that is written too late is never heard a turn of the ring later.

The layout lives in this file because compiled code is cached on disk by this file's date.

*Threading*: the audio thread runs the callback and is the only one that advances the counters,
moves the smoothed values and writes the capture, stereo and played rings. All others only write
targets and timeline cells ahead of ``POSITION``. Of all leases on one block at most one may be
open.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numba import carray  # type: ignore[attr-defined]

from companion.audio.machine import compiled, full_fence, host_seconds, jit, pointer, release_fence

# --- header: int64 slots -------------------------------------------------------------------
# First what is counted, in the order of `companion.audio.memory.Counters`.
POSITION, BLOCKS = 0, 1  # frames, and calls, since the block was made; the first is the one clock
# Blocks PortAudio marked, one counter per flag, in the order of its bits:
INPUT_UNDERFLOWS, INPUT_OVERFLOWS, OUTPUT_UNDERFLOWS, OUTPUT_OVERFLOWS = 2, 3, 4, 5
MISSED = 6  # frames by which the stream has fallen behind its clock, in leaps
ZEROED = 7  # samples that were not finite and became 0
LIMITED = 8  # samples the limiter turned down
COUNTED = 9
RING, VOICES = 9, 10
PROBE_START, PROBE_SAMPLES = 11, 12  # absolute frame of the burst's first, its length; 0: none
STEREO = 13  # 1: the input is kept as two channels as well
LEASES = 16  # first slot of the leases that other processes sign
HEADER_SLOTS = 64
PROBE_CELLS = 1 << 18

# --- lease: int64 slots --------------------------------------------------------------------
LEASE_MEMORY = 0  # address of the memory block
LEASE_OPEN = 1  # 1 while the stream may touch it
LEASE_BUSY = 2  # 1 while a call is under way
LEASE_CALLS = 3  # calls, open or closed
LEASE_BLOCKS = 4  # calls while it was open
LEASE_INPUTS = 5  # channels
LEASE_OUTPUTS = 6
LEASE_CLICK = 7  # output channel from 0 that has the click, and nothing else; -1: in the mix
LEASE_HOST_CLOCK = 8  # 1: what was missed is counted by the host's clock, not by PortAudio's
LEASE_HEARD = 9  # of the inputs, so many are listened to; see _take_input
LEASE_SLOTS = 12
LEASE_COUNT = (HEADER_SLOTS - LEASES) // LEASE_SLOTS

# --- state: float64 slots ------------------------------------------------------------------
GAIN_STEP = 0  # largest change of a gain per sample
RELEASE_STEP = 1  # recovery of the limiter's gain per sample
METER_DECAY = 2  # natural logarithm of a peak meter's decay per sample
MONITOR_TARGET, MONITOR_GAIN, LIMITER_GAIN = 3, 4, 5
INPUT_PEAK, OUTPUT_PEAK, SAMPLE_RATE = 6, 7, 8
SLIP_LOW = 9  # least slip seen in the running window, samples
SLIP_BASE = 10  # what the least slip should be by now, samples
FADE_STEP = 11  # rise of the fade per sample
FADE_GAIN = 12  # of voices and monitor alike; rises to 1 after a stream has come back
PAIR = 13  # first of the slots of a pair of input channels
STATE_SLOTS = 20
# Mean power of the first, the second, and their product, over the last second:
PAIR_FIRST, PAIR_SECOND, PAIR_BOTH = 0, 1, 2
PAIR_HEARD = 3  # samples of that second which were heard, as far as not forgotten
PAIR_TURN = 4  # 0: the second counts as it is; 1: turned upside down; between them on its way
PAIR_TURNED = 5  # 1: on its way to be turned, 0: back
PAIR_SLOTS = 6
VOICE_TARGET, VOICE_GAIN, VOICE_PEAK = 0, 1, 2  # five slots for each voice follow
VOICE_TAKEN = 3  # the target that the last block moved towards
VOICE_SINCE = 4  # frame from which on it did
VOICE_SLOTS = 5
CLICK_VOICE = 0

CEILING = float(np.float32(0.98))  # a sample of exactly this level still passes
SLIP_WINDOW_BLOCKS = 64  # long enough to see past a late wake-up, which catches up again
DRIFT = 2e-4  # how far a device's rate may be off its name; good ones are within a quarter of it
PAIR_S = 1.0  # how long a pair of channels is remembered
PAIR_LEAST_S = 0.1  # before that nothing is said of it
PAIR_SILENCE = 1e-8  # power, -80 dBFS: what is quieter says nothing
PAIR_LOST = 0.04  # turned where the mean has less than this share of the louder one's power, -14 dB
PAIR_FOUND = 0.12  # turned back where it has more than this, -9 dB
PAIR_TURN_S = 0.05  # from one to the other
LEAP_S = 1e-4  # what a clock gains in a window beyond its drift; half of it is noise at most
_Cells = Any  # a stretch of the block as an array, for the compiler


@jit
def _approach(value: float, target: float, step: float) -> float:  # pragma: no cover - machine code
    """One sample's move of a gain towards its target; it gets there exactly."""
    if target > value + step:
        return value + step
    if target < value - step:
        return value - step
    return target


@jit
def _count(  # pragma: no cover - machine code
    header: _Cells, state: _Cells, lease: _Cells, now_s: float, flags: int, frames: int
) -> None:
    """Add PortAudio's flags, and the frames the clock passed without us.

    Slip is how far the clock is ahead of our counter. A late wake-up raises it for a moment, a lost
    block, or a sound system that stood still, for good. So the least slip of each window counts:
    what it rises by faster than a device may drift is lost, and if it shrinks again, the count is
    corrected.

    PortAudio's own clock will not do on JACK: it is interpolated by a filter that takes seconds to
    recover after each stall.
    """
    for bit in range(4):
        if flags & (1 << bit):
            header[INPUT_UNDERFLOWS + bit] += 1
    slip = now_s * state[SAMPLE_RATE] - header[POSITION]
    blocks = lease[LEASE_BLOCKS]
    lease[LEASE_BLOCKS] = blocks + 1
    if blocks % SLIP_WINDOW_BLOCKS == 0:
        if blocks <= SLIP_WINDOW_BLOCKS:
            state[SLIP_BASE] = state[SLIP_LOW]
        drift = DRIFT * SLIP_WINDOW_BLOCKS * frames
        leap = state[SLIP_LOW] - state[SLIP_BASE]
        if abs(leap) > drift + LEAP_S * state[SAMPLE_RATE]:
            whole = math.floor(leap + 0.5)
            header[MISSED] = max(0, header[MISSED] + whole)
            state[SLIP_BASE] += whole
        else:
            state[SLIP_BASE] += min(max(leap, -drift), drift)
        state[SLIP_LOW] = slip
    elif slip < state[SLIP_LOW]:
        state[SLIP_LOW] = slip


@jit
def _mean(  # pragma: no cover - machine code
    pair: _Cells, rate: float, taken: _Cells, first: int, channels: int
) -> float:
    """One frame of the input: the mean of its channels; not finite where one is not.

    The rule of `companion.audio.mixdown` as it can be had while the sound comes in: where two
    channels have cancelled each other for a while, the second counts turned upside down, until they
    no longer would. It goes over gently.
    """
    total = 0.0
    for channel in range(channels):
        total += taken[first + channel]
    if channels != 2 or not math.isfinite(total):
        return total / channels
    one, two = float(taken[first]), float(taken[first + 1])
    forget = 1.0 / (PAIR_S * rate)
    pair[PAIR_FIRST] += forget * (one * one - pair[PAIR_FIRST])
    pair[PAIR_SECOND] += forget * (two * two - pair[PAIR_SECOND])
    pair[PAIR_BOTH] += forget * (one * two - pair[PAIR_BOTH])
    pair[PAIR_HEARD] += 1.0 - forget * pair[PAIR_HEARD]
    louder = max(pair[PAIR_FIRST], pair[PAIR_SECOND])
    if louder > PAIR_SILENCE and pair[PAIR_HEARD] > PAIR_LEAST_S * rate:
        mean = (pair[PAIR_FIRST] + pair[PAIR_SECOND] + 2.0 * pair[PAIR_BOTH]) / 4.0
        if mean < PAIR_LOST * louder:
            pair[PAIR_TURNED] = 1.0
        elif mean > PAIR_FOUND * louder:
            pair[PAIR_TURNED] = 0.0
    if pair[PAIR_TURN] == 0.0 and pair[PAIR_TURNED] == 0.0:
        return total / channels
    pair[PAIR_TURN] = _approach(pair[PAIR_TURN], pair[PAIR_TURNED], 1.0 / (PAIR_TURN_S * rate))
    return (one + (1.0 - 2.0 * pair[PAIR_TURN]) * two) / 2.0


@jit
def _take_input(  # pragma: no cover - machine code
    header: _Cells,
    state: _Cells,
    lease: _Cells,
    capture: _Cells,
    stereo: _Cells,
    taken: _Cells,
    mix: _Cells,
    frames: int,
) -> float:
    """Input to the capture ring, as one channel, and through the monitor to the mix.

    The mean is that of the first channels, which a device has no others than. A recording brings
    its mean, which was made of all of it, and behind that the two it was made of. Kept as two are
    the last two channels; where there is but one, that in both.
    """
    pair = state[PAIR : PAIR + PAIR_SLOTS]
    position = header[POSITION]
    mask = header[RING] - 1
    channels = lease[LEASE_INPUTS]
    heard = lease[LEASE_HEARD]
    stride = lease[LEASE_OUTPUTS]
    gain = state[MONITOR_GAIN]
    fade = state[FADE_GAIN]
    peak = 0.0
    for j in range(frames):
        mean = _mean(pair, state[SAMPLE_RATE], taken, j * channels, heard)
        finite = math.isfinite(mean)
        if not finite:
            mean = 0.0
            header[ZEROED] += 1
        sample = np.float32(mean)
        cell = (position + j) & mask
        capture[cell] = sample
        if header[STEREO] == 1:
            last = (j + 1) * channels
            both = finite and channels > 1
            stereo[2 * cell] = taken[last - 2] if both else sample
            stereo[2 * cell + 1] = taken[last - 1] if both else sample
        peak = max(peak, float(abs(sample)))
        gain = _approach(gain, state[MONITOR_TARGET], state[GAIN_STEP])
        fade = _approach(fade, 1.0, state[FADE_STEP])
        mix[j * stride] = sample * (gain * fade)
    state[MONITOR_GAIN] = gain
    return peak


@jit
def _play_voice(  # pragma: no cover - machine code
    header: _Cells,
    state: _Cells,
    slot: int,
    timeline: _Cells,
    played: _Cells,
    mix: _Cells,
    stride: int,
    frames: int,
) -> float:
    """One voice's timeline times its gain into the mix and its played ring; clear far behind."""
    position = header[POSITION]
    mask = header[RING] - 1
    half = header[RING] // 2
    target = state[slot + VOICE_TARGET]
    gain = state[slot + VOICE_GAIN]
    if target != state[slot + VOICE_TAKEN]:
        state[slot + VOICE_TAKEN] = target
        state[slot + VOICE_SINCE] = position
    fade = state[FADE_GAIN]
    peak = 0.0
    for j in range(frames):
        cell = (position + j) & mask
        gain = _approach(gain, target, state[GAIN_STEP])
        fade = _approach(fade, 1.0, state[FADE_STEP])
        out = np.float32(timeline[cell] * (gain * fade))
        if not math.isfinite(out):
            out = np.float32(0.0)
            header[ZEROED] += 1
        played[cell] = out
        mix[j * stride] += out
        peak = max(peak, float(abs(out)))
        timeline[(position + j + half) & mask] = 0.0
    state[slot + VOICE_GAIN] = gain
    return peak


@jit
def _probe(  # pragma: no cover - machine code
    header: _Cells, probe: _Cells, mix: _Cells, stride: int, frames: int
) -> None:
    """Add what is due of the burst to the mix; no gain moves it."""
    length = header[PROBE_SAMPLES]
    if length == 0:
        return
    first = header[POSITION] - header[PROBE_START]
    for j in range(max(0, -first), min(frames, length - first)):
        mix[j * stride] += probe[first + j]


@jit
def _limit(  # pragma: no cover - machine code
    header: _Cells, state: _Cells, mix: _Cells, stride: int, click: int, frames: int
) -> float:
    """Keep the mix under the ceiling and copy it to the first two channels; the click to its own.

    The gain drops at once to what the sample at hand needs and recovers by a fixed step a sample.
    While it is 1 the mix passes bit for bit.
    """
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
            if channel == click:
                tick = mix[j * stride + channel]
                mix[j * stride + channel] = np.float32(min(max(tick, -CEILING), CEILING))
            else:
                mix[j * stride + channel] = out if channel < 2 else np.float32(0.0)
    state[LIMITER_GAIN] = gain
    return peak


def _process(  # pragma: no cover - machine code
    samples_in: Any, samples_out: Any, count: int, times: Any, flags: int, leased: Any
) -> int:
    """PaStreamCallback: one block of ``count`` frames through the rig; always paContinue."""
    frames: Any = np.int64(count)  # unsigned times signed would become floating point
    lease = carray(leased, (LEASE_SLOTS,), np.int64)
    lease[LEASE_BUSY] = 1
    full_fence()  # who closes the lease looks whether we are busy only afterwards
    stride = lease[LEASE_OUTPUTS]
    click = lease[LEASE_CLICK]
    mix = carray(samples_out, (frames * stride,), np.float32)
    lease[LEASE_CALLS] += 1
    if lease[LEASE_OPEN] == 0:
        mix[:] = np.float32(0.0)
        lease[LEASE_BUSY] = 0
        return 0

    block = pointer(lease[LEASE_MEMORY])
    header = carray(block, (HEADER_SLOTS,), np.int64)
    voices = header[VOICES]
    ring = header[RING]
    numbers = STATE_SLOTS + VOICE_SLOTS * voices
    state = carray(block, (HEADER_SLOTS + numbers,), np.float64)[HEADER_SLOTS:]
    first = 2 * (HEADER_SLOTS + numbers)  # in float32 cells
    rings = (1 + 2 * voices) * ring
    behind = rings + PROBE_CELLS
    pairs = 2 * ring * header[STEREO]
    audio = carray(block, (first + behind + pairs,), np.float32)[first:]
    taken = carray(samples_in, (frames * lease[LEASE_INPUTS],), np.float32)

    if header[POSITION] == 0:  # no ramp into gains that were set before the first block
        state[MONITOR_GAIN] = state[MONITOR_TARGET]
        for voice in range(voices):
            slot = STATE_SLOTS + VOICE_SLOTS * voice
            state[slot + VOICE_GAIN] = state[slot + VOICE_TARGET]

    now_s = carray(times, (3,), np.float64)[1]
    if lease[LEASE_HOST_CLOCK] == 1:
        now_s = host_seconds()
    _count(header, state, lease, now_s, np.int64(flags), frames)
    fallen = math.exp(state[METER_DECAY] * frames)
    if click >= 0:
        for j in range(frames):
            mix[j * stride + click] = 0.0
    stereo = audio[behind:]
    peak = _take_input(header, state, lease, audio[:ring], stereo, taken, mix, frames)
    state[INPUT_PEAK] = max(peak, state[INPUT_PEAK] * fallen)
    for voice in range(voices):
        slot = STATE_SLOTS + VOICE_SLOTS * voice
        timeline = audio[(1 + voice) * ring : (2 + voice) * ring]
        played = audio[(1 + voices + voice) * ring : (2 + voices + voice) * ring]
        into = mix[click:] if voice == CLICK_VOICE and click >= 0 else mix
        peak = _play_voice(header, state, slot, timeline, played, into, stride, frames)
        state[slot + VOICE_PEAK] = max(peak, state[slot + VOICE_PEAK] * fallen)
    fade = state[FADE_GAIN]
    for _ in range(frames):  # sample by sample, as above: the same to the bit whatever the blocks
        fade = _approach(fade, 1.0, state[FADE_STEP])
    state[FADE_GAIN] = fade
    _probe(header, audio[rings:behind], mix, stride, frames)
    peak = _limit(header, state, mix, stride, click, frames)
    state[OUTPUT_PEAK] = max(peak, state[OUTPUT_PEAK] * fallen)

    release_fence()  # who reads the new position finds the samples it covers
    header[POSITION] += frames
    header[BLOCKS] += 1
    release_fence()
    lease[LEASE_BUSY] = 0
    return 0


def callback_address() -> int:
    """Address of the compiled PaStreamCallback; see ``compiled``.

    Its last argument (``userData``) is the address of a lease, whose memory block is laid out as
    above.
    """
    return int(compiled(_process).address)
