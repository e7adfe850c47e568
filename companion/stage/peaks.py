"""How loud the mix and the stems are, past and to come, in columns of 20 ms for the page.

Column *c* covers samples [c × hop, (c + 1) × hop). Of the past it is what was played; of what is to
come it is what lies on the timeline, at the level that the player has now, muted or not.

*Threading*: belongs to the server's thread; it reads the audio memory, which any thread may.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from companion.audio.aligned_input import AlignedInput
from companion.audio.memory import AudioMemory, Samples
from companion.system.errors import CompanionError

COLUMNS_PER_S = 50
KEPT = 1024
"""Columns of a lane that are remembered, 20 s: past and to come."""
PAST, AHEAD = 560, 460
"""Columns at most before and after the position."""
AGAIN = 25
"""What is to come is read again when it has changed, and at the latest after so many columns."""
FULL = 255


@dataclass(frozen=True, slots=True)
class Stretch:
    """Columns of a lane: 0 silence, 255 full scale, by the square root of the peak."""

    lane: int  # 0 the input, from 1 on the players
    first: int  # column
    peaks: bytes


class Peaks:
    """Follows the audio memory, lane by lane."""

    def __init__(self, memory: AudioMemory, performed: AlignedInput) -> None:
        """Nothing read yet."""
        self._memory, self._performed = memory, performed
        self.hop = memory.rate // COLUMNS_PER_S
        lanes = 1 + memory.players
        self._kept = np.zeros((lanes, KEPT), np.uint8)
        now = memory.position // self.hop
        self._past = [max(0, now - PAST)] * lanes  # the first column not read yet
        self._shape: list[object] = [None] * lanes
        self._read_at = [-AGAIN] * lanes

    def advance(self, shapes: Sequence[object], gains: Sequence[float]) -> list[Stretch]:
        """What is new since the last call.

        Args:
            shapes: for each player something that changes when its timeline may have.
            gains: each player's level, linear.
        """
        new = [self._read_past(lane) for lane in range(len(self._kept))]
        now = self._memory.position // self.hop
        for lane, (shape, gain) in enumerate(zip(shapes, gains, strict=True), 1):
            if (shape, gain) != self._shape[lane] or now >= self._read_at[lane] + AGAIN:
                self._shape[lane], self._read_at[lane] = (shape, gain), now
                new.append(self._read_ahead(lane, gain))
        return [stretch for stretch in new if stretch is not None]

    def all(self) -> list[Stretch]:
        """Everything that is remembered."""
        now = self._memory.position // self.hop
        first, stretches = max(0, now - PAST), []
        for lane, kept in enumerate(self._kept):
            columns = np.arange(first, now + AHEAD if lane else self._past[0])
            stretches.append(Stretch(lane, first, kept[columns % KEPT].tobytes()))
        return stretches

    def _read_past(self, lane: int) -> Stretch | None:
        position = self._performed.position if lane == 0 else self._memory.position
        end = position // self.hop
        first = max(self._past[lane], end - PAST)
        if first >= end:
            return None
        self._past[lane] = end
        start, n = first * self.hop, (end - first) * self.hop
        try:
            if lane == 0:
                sound = self._performed.capture(start, n)
            else:
                sound = self._memory.played(lane, start, n)
        except CompanionError:  # it has left the ring
            sound = np.zeros(n, np.float32)
        return self._keep(lane, first, sound)

    def _read_ahead(self, lane: int, gain: float) -> Stretch | None:
        now = self._memory.position
        first = now // self.hop + 2
        end = min(first + AHEAD, self._memory.horizon_samples // self.hop)
        try:
            sound = self._memory.read_ahead(lane, first * self.hop, (end - first) * self.hop)
        except CompanionError:  # the stream has come there meanwhile: next time
            self._read_at[lane] = -AGAIN
            return None
        return self._keep(lane, first, sound, gain)

    def _keep(self, lane: int, first: int, sound: Samples, gain: float = 1.0) -> Stretch:
        peaks = np.abs(sound).reshape(-1, self.hop).max(axis=1, initial=0.0)
        found = _scaled(peaks * np.float32(gain))
        self._kept[lane, np.arange(first, first + len(found)) % KEPT] = found
        return Stretch(lane, first, found.tobytes())


def _scaled(peaks: NDArray[np.float32]) -> NDArray[np.uint8]:
    return np.round(FULL * np.sqrt(np.clip(peaks, 0.0, 1.0))).astype(np.uint8)
