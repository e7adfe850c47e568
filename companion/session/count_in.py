"""The count-in and the metronome: clicks, written a little ahead of the stream.

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
"""How far ahead the count-in is written: the timeline does not hold a long, slow one at once."""
METRONOME_AHEAD_S = 0.5
"""And the metronome: behind that the tempo may still move."""


class CountIn:
    """Clicks on the beats (of a dotted quarter its eighths), the first of each bar accented.

    Attributes:
        start_samples: stream sample of the first one; of bar 0 if there is none.
    """

    def __init__(self, memory: AudioMemory, transport: Transport, meter: Meter, bars: int) -> None:
        """Nothing written yet; `bars` may be 0."""
        self._memory, self._transport, self._meter = memory, transport, meter
        self._next_beat = Fraction(-bars * meter.beats_per_bar)
        self.start_samples = transport.beat_start_samples(self._next_beat)

    def write(self, now: int, metronome: bool = False) -> None:
        """Write the clicks of the next moment. One that comes too late stays out.

        Before bar 0 there are always clicks, from then on if ``metronome`` says so.
        """
        transport, rate = self._transport, self._transport.rate
        while True:
            ahead_s = AHEAD_S if self._next_beat < 0 else METRONOME_AHEAD_S
            start = transport.beat_start_samples(self._next_beat)
            if start > now + round(ahead_s * rate):
                return
            if self._next_beat < 0 or metronome:
                sound = tick(rate, accent=self._next_beat % self._meter.beats_per_bar == 0)
                with contextlib.suppress(TooLate):
                    self._memory.write(CLICK_VOICE, start, sound)
            self._next_beat += Fraction(1, self._meter.clicks_per_beat)


def first_bar_samples(preset: Preset, rate: int) -> int:
    """Samples from a stream's start to bar 0: a moment to place the first click, the count-in."""
    bar_samples = Grid(rate, preset.bpm, 0, preset.meter.beats_per_bar).bar_samples
    return round(START_S * rate) + math.ceil(preset.count_in_bars * bar_samples)
