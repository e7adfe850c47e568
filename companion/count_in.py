"""The count-in: clicks before bar 0, written a little ahead of the stream.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

import contextlib
import math
from fractions import Fraction

from companion.audio.click import tick
from companion.audio.memory import CLICK_VOICE, AudioMemory, TooLate
from companion.clock.grid import Grid
from companion.clock.meter import Meter
from companion.clock.transport import Transport
from companion.control.preset import Preset

START_S = 0.5
"""Between the stream's start and the first click, so that it can be placed in time."""
AHEAD_S = 2.0
"""How far ahead clicks are written: the timeline does not hold a long, slow count-in at once."""


class CountIn:
    """Clicks on the beats (in 6/8 the eighths) before bar 0, the first of each bar accented.

    Attributes:
        start_samples: stream sample of the first one; of bar 0 if there is none.
    """

    def __init__(self, memory: AudioMemory, transport: Transport, meter: Meter, bars: int) -> None:
        """Nothing written yet; `bars` may be 0."""
        self._memory, self._transport, self._meter = memory, transport, meter
        self._next_beat = Fraction(-bars * meter.beats_per_bar)
        self.start_samples = transport.beat_start_samples(self._next_beat)

    def write(self, now: int) -> None:
        """Write the clicks of the next 2 s. One that comes too late stays out."""
        transport, rate = self._transport, self._transport.rate
        while self._next_beat < 0:
            start = transport.beat_start_samples(self._next_beat)
            if start > now + round(AHEAD_S * rate):
                return
            sound = tick(rate, accent=self._next_beat % self._meter.beats_per_bar == 0)
            with contextlib.suppress(TooLate):
                self._memory.write(CLICK_VOICE, start, sound)
            self._next_beat += Fraction(1, self._meter.clicks_per_beat)


def first_bar_samples(preset: Preset, rate: int) -> int:
    """Samples from a stream's start to bar 0: a moment to place the first click, the count-in."""
    bar_samples = Grid(rate, preset.bpm, 0, preset.meter.beats_per_bar).bar_samples
    return round(START_S * rate) + math.ceil(preset.count_in_bars * bar_samples)
