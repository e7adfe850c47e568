"""A tape of known audio for the recorder, with a ring as short as a test likes."""

from __future__ import annotations

import numpy as np

from companion.system.errors import CompanionError


def ramp(start: int, count: int, voice: int) -> np.ndarray:
    """Samples that tell their own absolute position and voice; exact in 24 bits."""
    return (((np.arange(start, start + count) + 1000 * voice) % 4096) / 8192).astype(np.float32)


class FakeTape:
    """The input and the voices without a stream: `position` is set by hand."""

    stereo = False

    def __init__(self, ring: int = 10**9) -> None:
        self.position = 0
        self.ring = ring

    def capture(self, start: int, n: int, /) -> np.ndarray:
        return self.played(0, start, n)

    def played(self, voice: int, start: int, n: int, /) -> np.ndarray:
        if start < self.position - self.ring or start + n > self.position:
            raise CompanionError("outside the ring")
        return ramp(start, n, voice)
