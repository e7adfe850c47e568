"""The memory the rig shares with the audio callback.

*Threading*: the audio thread writes the counters, the capture ring and the played rings; see
``companion.audio.callback``. Any thread may read, at any time, without a lock: a read is checked
afterwards against the position the callback had reached by then. One thread at a time may write a
given voice's timeline. Gains may be set from any thread.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from companion.audio import callback as layout
from companion.audio.format import check_rate
from companion.audio.lease import LeaseView, Slots
from companion.audio.shared import SharedBlock
from companion.system.errors import CompanionError

Samples = npt.NDArray[np.float32]

MIN_RING_SAMPLES = 1 << 20
RING_S = 40.0
GAIN_RAMP_S = 0.010  # a gain moves by 1 (full scale) in this time
LIMITER_RELEASE_S = 0.5  # the limiter's gain moves from 0 to 1 in this time
METER_FALL_DB_PER_S = 20.0
FADE_IN_S = 0.2  # of everything, after a stream has come back
CLICK_VOICE = layout.CLICK_VOICE


class TooLate(CompanionError):
    """Frames of a timeline that the callback has already passed."""


@dataclass(frozen=True, slots=True)
class Counters:
    """What the callback has counted since the memory was made.

    ``*_flows`` are blocks PortAudio marked, ``missed_samples`` is by how much the stream fell
    behind the clock when blocks were lost or the sound system stood still, ``zeroed_samples`` were
    not finite, ``limited_samples`` were turned down by the limiter.
    """

    frames: int
    blocks: int
    input_underflows: int
    input_overflows: int
    output_underflows: int
    output_overflows: int
    missed_samples: int
    zeroed_samples: int
    limited_samples: int

    @property
    def xruns(self) -> int:
        """Blocks marked for lost input or a gap in the output."""
        return max(self.input_overflows, self.output_underflows)


@dataclass(frozen=True, slots=True)
class Meters:
    """Peak levels, linear (1 is full scale), held and falling by 20 dB a second."""

    input: float
    output: float
    voices: tuple[float, ...]


class AudioMemory:
    """One block of memory: counters, gains, capture rings, and a timeline and played ring a voice.

    Voice 0 is the click, voices 1 .. ``players`` are the players. Every ring is indexed by the
    absolute frame: the number of frames the callback had processed before it.

    Args:
        rate: device sample rate, Hz; a multiple of 50, so that a codec frame is whole samples.
        players: number of players, at least 0.
        ring_samples: ring size in frames, a power of two; by default at least 2**20 and 40 s.
        shared: let another process see it, by ``handle``.
        stereo: keep the input as two channels as well, for ``capture_stereo``.

    Attributes:
        address: of the block, for a lease. Keep the memory alive with it.
        fades: frames from which everything rose from silence, oldest first.
    """

    def __init__(
        self,
        rate: int,
        players: int,
        ring_samples: int | None = None,
        shared: bool = False,
        stereo: bool = False,
    ) -> None:
        if players < 0:
            raise ValueError(f"players must be 0 or more, not {players}")
        if ring_samples is None:
            ring_samples = 1 << math.ceil(math.log2(max(MIN_RING_SAMPLES, RING_S * rate)))
        if ring_samples < 64 or ring_samples & (ring_samples - 1):
            raise ValueError(f"ring_samples must be a power of two from 64, not {ring_samples}")
        self.rate = check_rate(rate)
        self.players = players
        self.voices = players + 1
        self.ring_samples = ring_samples
        self.stereo = stereo
        self._shared: SharedBlock | None = None
        self._lay_out(shared)

    def _lay_out(self, shared: bool) -> None:
        """Allocate the block and its views, and touch every page before the callback does."""
        numbers = layout.STATE_SLOTS + layout.VOICE_SLOTS * self.voices
        head_bytes = 8 * (layout.HEADER_SLOTS + numbers)
        ring_bytes = 4 * self.ring_samples
        rings = 1 + 2 * self.voices
        size = head_bytes + rings * ring_bytes + 4 * layout.PROBE_CELLS
        size += 2 * ring_bytes if self.stereo else 0
        if shared:
            self._shared = SharedBlock(size)
            self._block = self._shared.data
        else:
            self._block = np.empty(size, np.uint8)
        self._block.fill(0)  # unlike np.zeros this maps the pages now, not in the callback
        self.address = int(self._block.ctypes.data)
        split = 8 * layout.HEADER_SLOTS
        self._header = self._block[:split].view(np.int64)
        self._state = self._block[split:head_bytes].view(np.float64)
        self.fades: tuple[int, ...] = ()
        audio = self._block[head_bytes:].view(np.float32)
        mono, self._probe, pairs = np.split(
            audio, np.cumsum([rings * self.ring_samples, layout.PROBE_CELLS])
        )
        by_ring = mono.reshape(rings, self.ring_samples)
        self._capture = by_ring[0]
        self._timeline = by_ring[1 : 1 + self.voices]
        self._played = by_ring[1 + self.voices :]
        self._stereo = pairs.reshape(-1, 2)

        self._header[layout.RING] = self.ring_samples
        self._header[layout.VOICES] = self.voices
        self._header[layout.STEREO] = self.stereo
        state = self._state
        state[layout.SAMPLE_RATE] = self.rate
        state[layout.GAIN_STEP] = 1.0 / (GAIN_RAMP_S * self.rate)
        state[layout.RELEASE_STEP] = 1.0 / (LIMITER_RELEASE_S * self.rate)
        state[layout.METER_DECAY] = -METER_FALL_DB_PER_S / 20 * math.log(10) / self.rate
        state[layout.LIMITER_GAIN] = 1.0
        state[layout.FADE_STEP] = 1.0 / (FADE_IN_S * self.rate)
        state[layout.FADE_GAIN] = 1.0
        for voice in range(self.voices):
            self.set_gain(voice, 1.0)

    # --- what a stream needs ---------------------------------------------------------------
    @property
    def handle(self) -> tuple[str, int]:
        """What another process attaches it by, and its size in bytes; ValueError if not shared."""
        if self._shared is None:
            raise ValueError("this memory was made without shared=True")
        return self._shared.handle, self._block.nbytes

    def lease(self, number: int) -> LeaseView:
        """One of the leases that other processes sign, 0..3."""
        return LeaseView(lease_slots(self._header, number))

    @property
    def max_block_samples(self) -> int:
        """Largest block a stream may hand to the callback, frames."""
        return self.ring_samples // 64

    def fade_in(self) -> None:
        """Let everything rise from silence within 0.2 s. Only while no stream moves the memory."""
        self._state[layout.FADE_GAIN] = 0.0
        self.fades = (*self.fades, self.position)

    def write_probe(self, start: int, samples: Samples) -> None:
        """Add a burst to the output once, from absolute frame ``start``; no gain moves it.

        It takes the place of the one before. Float32 [n], n at most ``callback.PROBE_CELLS``.

        Raises:
            TooLate: the frame is behind the position.
        """
        if len(samples) > layout.PROBE_CELLS:
            raise ValueError(f"probe of {len(samples)} samples; valid: {layout.PROBE_CELLS}")
        self._header[layout.PROBE_SAMPLES] = 0
        self._probe[: len(samples)] = samples
        self._header[layout.PROBE_START] = start
        self._header[layout.PROBE_SAMPLES] = len(samples)
        if start < (now := self.position):
            raise TooLate(f"cannot play a probe at frame {start}; valid: from {now}")

    # --- counters and meters ---------------------------------------------------------------
    @property
    def position(self) -> int:
        """Absolute frames processed: the next frame the callback will process."""
        return int(self._header[layout.POSITION])

    @property
    def blocks(self) -> int:
        """Calls of the callback so far; stands still when the device is gone."""
        return int(self._header[layout.BLOCKS])

    @property
    def counters(self) -> Counters:
        """What the callback has counted so far."""
        return Counters(*map(int, self._header[: layout.COUNTED]))

    @property
    def meters(self) -> Meters:
        """Peak levels now."""
        state = self._state
        return Meters(
            input=float(state[layout.INPUT_PEAK]),
            output=float(state[layout.OUTPUT_PEAK]),
            voices=tuple(
                float(state[self._slot(voice) + layout.VOICE_PEAK]) for voice in range(self.voices)
            ),
        )

    # --- gains -----------------------------------------------------------------------------
    def set_gain(self, voice: int, gain: float) -> None:
        """Move a voice's gain (linear, 0 or more) there, 10 ms for a step of 1."""
        slot = self._slot(voice)
        self._state[slot + layout.VOICE_TARGET] = _checked_gain(gain)
        if self.position == 0:  # the first block starts from it, without a ramp
            self._state[slot + layout.VOICE_TAKEN] = gain

    def taken_gain(self, voice: int) -> tuple[float, int]:
        """The gain that a voice moves to, or has, in the last block, and from which frame on.

        Of two gains set within one block only the last is ever taken.
        """
        slot = self._slot(voice)
        while True:
            since = self._state[slot + layout.VOICE_SINCE]
            taken = self._state[slot + layout.VOICE_TAKEN]
            if since == self._state[slot + layout.VOICE_SINCE]:
                return float(taken), int(since)

    def set_monitor(self, gain: float) -> None:
        """Pass the input through to the output with this gain (linear; 0, the default, is off)."""
        self._state[layout.MONITOR_TARGET] = _checked_gain(gain)

    # --- rings -----------------------------------------------------------------------------
    @property
    def oldest_samples(self) -> int:
        """First absolute frame ``capture`` and ``played`` can still give."""
        return max(0, self.position - self.ring_samples + self.max_block_samples)

    @property
    def horizon_samples(self) -> int:
        """One past the last absolute frame ``write`` takes now: half a ring ahead."""
        return self.position + self.ring_samples // 2

    def capture(self, start: int, n: int) -> Samples:
        """Input, mean of the channels, float32 [n] from absolute frame ``start``.

        Raises:
            CompanionError: the frames have not been played yet or have left the ring.
        """
        return self._past(self._capture, "capture", start, n)

    def capture_stereo(self, start: int, n: int) -> Samples:
        """The input in two channels, as it was played, float32 [n, 2]; needs ``stereo``.

        One channel is in both. A frame that is not finite is silence in both.

        Raises:
            CompanionError: as ``capture``.
        """
        return self._past(self._stereo, "stereo capture", start, n)

    def played(self, voice: int, start: int, n: int) -> Samples:
        """What a voice really played, after its gain and before the limiter, float32 [n].

        Raises:
            CompanionError: as ``capture``.
        """
        return self._past(self._played[self._checked(voice)], f"voice {voice}", start, n)

    def write(self, voice: int, start: int, samples: Samples) -> None:
        """Overwrite a voice's timeline from absolute frame ``start``; float32 [n], finite.

        Raises:
            TooLate: some of the frames are behind the position.
            CompanionError: some are further ahead than half a ring.
        """
        timeline = self._timeline[self._checked(voice)]
        self._check_ahead(f"write frames of voice {voice}", start, len(samples))
        _put(timeline, start, samples)

    def read_ahead(self, voice: int, start: int, n: int) -> Samples:
        """What a voice is going to play, before its gain, float32 [n] from frame ``start``.

        Raises:
            TooLate: some of the frames are behind the position.
            CompanionError: some are further ahead than half a ring.
        """
        timeline = self._timeline[self._checked(voice)]
        self._check_ahead(f"read ahead frames of voice {voice}", start, n)
        return _get(timeline, start, n)

    def _check_ahead(self, what: str, start: int, n: int) -> None:
        now = self.position
        horizon = now + self.ring_samples // 2
        message = f"cannot {what}, {start}..{start + n}; valid now are {now}..{horizon}"
        if start < now:
            raise TooLate(message)
        if n < 0 or start + n > horizon:
            raise CompanionError(message)

    def _past(self, ring: Samples, name: str, start: int, n: int) -> Samples:
        now = self.position
        if n >= 0 and self.oldest_samples <= start and start + n <= now:
            samples = _get(ring, start, n)
            if self.oldest_samples <= start:  # not overwritten while we copied
                return samples
        raise CompanionError(
            f"cannot read frames {start}..{start + n} of {name}; valid now are "
            f"{self.oldest_samples}..{now}"
        )

    def _checked(self, voice: int) -> int:
        if not 0 <= voice < self.voices:
            raise ValueError(f"voice {voice} does not exist; valid are 0..{self.players}")
        return voice

    def _slot(self, voice: int) -> int:
        return layout.STATE_SLOTS + layout.VOICE_SLOTS * self._checked(voice)


def lease_slots(header: Slots, number: int) -> Slots:
    """The part of a memory's header that is the lease of this number."""
    if not 0 <= number < layout.LEASE_COUNT:
        raise ValueError(f"lease {number} does not exist; valid are 0..{layout.LEASE_COUNT - 1}")
    first = layout.LEASES + number * layout.LEASE_SLOTS
    return header[first : first + layout.LEASE_SLOTS]


def _checked_gain(gain: float) -> float:
    if not (math.isfinite(gain) and gain >= 0):
        raise ValueError(f"gain {gain} is not valid; it must be a finite number, 0 or more")
    return gain


def _get(ring: Samples, start: int, n: int) -> Samples:
    """Copy of frames [start, start + n) of a ring, n at most its size."""
    cell = start & (len(ring) - 1)
    head = ring[cell : cell + n]
    if len(head) == n:
        return head.copy()
    return np.concatenate([head, ring[: n - len(head)]])


def _put(ring: Samples, start: int, samples: Samples) -> None:
    """Copy samples to frames [start, start + n) of a ring, n at most its size."""
    cell = start & (len(ring) - 1)
    head = min(len(samples), len(ring) - cell)
    ring[cell : cell + head] = samples[:head]
    ring[: len(samples) - head] = samples[head:]
