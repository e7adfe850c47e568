"""A recording that goes round for hours on the offline clock, and what came out of the rig."""

from __future__ import annotations

import numpy as np

from companion.audio.memory import AudioMemory, Samples
from companion.audio.offline import OfflineStream


class LoopStream(OfflineStream):
    """Plays a signal round and round; can be told to fall silent.

    Attributes:
        peak: largest output sample so far, linear.
        broken_samples: output samples that were not finite or outside ±1.
    """

    def __init__(self, memory: AudioMemory, signal: Samples, before: int) -> None:
        """`before` samples of silence come first, then `signal` for ever."""
        super().__init__(memory, signal)
        self._before = before
        self._silent_until = 0
        self.peak = 0.0
        self.broken_samples = 0

    def be_silent(self, until: int) -> None:
        """Give no input up to a stream sample."""
        self._silent_until = until

    def _heard(self, position: int, frames: int) -> Samples:
        silent = max(0, min(frames, max(self._before, self._silent_until) - position))
        at = np.arange(position - self._before, position - self._before + frames)
        heard = self._signal.take(at, mode="wrap")
        heard[:silent] = 0.0
        return heard

    def _process(self, frames: int) -> None:
        super()._process(frames)
        out = np.abs(self._out[:frames])
        self.broken_samples += int(np.count_nonzero(~(out <= 1.0)))
        self.peak = max(self.peak, float(out.max()))
