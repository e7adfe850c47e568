"""A recording that goes round for hours on the offline clock, and what came out of the rig."""

from __future__ import annotations

import numpy as np

from companion.audio.memory import AudioMemory, Samples
from companion.audio.offline import OfflineStream
from companion.device.event import News


class LoopStream(OfflineStream):
    """Plays a signal round and round; can be told to fall silent, or to lose its device.

    Attributes:
        peak: largest output sample so far, linear.
        broken_samples: output samples that were not finite or outside ±1.
        away: whether the device is lost now.
    """

    def __init__(self, memory: AudioMemory, signal: Samples, before: int) -> None:
        """`before` samples of silence come first, then `signal` for ever."""
        super().__init__(memory, signal)
        self._before = before
        self._silent_until = 0
        self._lost_at = self._back_at = 0
        self._news: list[News] = []
        self.away = False
        self.peak = 0.0
        self.broken_samples = 0

    def be_silent(self, until: int) -> None:
        """Give no input up to a stream sample."""
        self._silent_until = until

    def lose(self, until: int) -> None:
        """Go on without a device up to a stream sample."""
        if not self.away:
            self._lost_at, self.away = self.memory.position, True
            self._news.append(News("lost", "the device is gone", self._lost_at))
        self._back_at = max(self._back_at, until)

    def drain(self) -> list[News]:
        """See `Losable`."""
        news, self._news = self._news, []
        return news

    def _return(self) -> None:
        position = self.memory.position
        self.away = False
        self.memory.fade_in()
        seconds = (position - self._lost_at) / self.rate
        self._news.append(News("back", "on the line it left", position, seconds))

    def _heard(self, position: int, frames: int) -> Samples:
        silent = max(0, min(frames, self._sounds_from - position))
        at = np.arange(position - self._before, position - self._before + frames)
        heard = self._signal.take(at, mode="wrap")
        heard[:silent] = 0.0
        return heard

    @property
    def _sounds_from(self) -> int:
        away_until = self._back_at if self.away else 0
        return max(self._before, self._silent_until, away_until)

    def _process(self, frames: int) -> None:
        if self.away and self.memory.position >= self._back_at:
            self._return()
        super()._process(frames)
        out = np.abs(self._out[:frames])
        self.broken_samples += int(np.count_nonzero(~(out <= 1.0)))
        self.peak = max(self.peak, float(out.max()))
