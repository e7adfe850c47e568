"""Where beats fall: over monotonic time, as a source knows them, and on the stream."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from companion.clock.meter import Meter

Lock = Literal["tempo", "beat", "bar"]
"""How much of a reading counts: the tempo alone, also where beats fall, also which is the first."""
Unit = Literal["beat", "quarter"]
"""What a source counts: beats of the companion's meter, or quarter notes whatever the meter is."""


@dataclass(frozen=True, slots=True)
class Line:
    """Beats over monotonic time, as a source knows them that does not know the stream.

    Attributes:
        time_s: monotonic seconds.
        beat: at that time; a multiple of the bar's beats is a downbeat.
        bpm: beats a minute.
        running: False while the master is stopped; then the beat means nothing.
        confidence: 0..1.
        lock: how much of it counts.
        unit: what `beat` and `bpm` count.
        gone: whether the master that was there is there no more, without having said so.
    """

    time_s: float
    beat: float
    bpm: float
    running: bool = True
    confidence: float = 1.0
    lock: Lock = "bar"
    unit: Unit = "beat"
    gone: bool = False

    def beat_at(self, time_s: float) -> float:
        """The beat at another time."""
        return self.beat + (time_s - self.time_s) * self.bpm / 60


@dataclass(frozen=True, slots=True)
class Reading:
    """Where the beats of a `Line` lie on the stream's sample counter.

    Attributes:
        sample: stream sample.
        beat: at that sample; a multiple of the bar's beats is a downbeat.
        bpm: beats a minute of the stream's own time.
        running, confidence, lock, unit, gone: as of a `Line`.
        near_s: tolerance, seconds; smaller differences are not corrected.
    """

    sample: float
    beat: float
    bpm: float
    running: bool = True
    confidence: float = 1.0
    lock: Lock = "bar"
    near_s: float = 5e-4
    unit: Unit = "beat"
    gone: bool = False

    def in_beats(self, meter: Meter) -> Reading:
        """This reading, counted in the beats of a meter."""
        if self.unit == "beat":
            return self
        beat, bpm = meter.beats(self.beat), meter.beats(self.bpm)
        return replace(self, beat=beat, bpm=bpm, unit="beat")

    def beat_at(self, sample: float, rate: int) -> float:
        """The beat at another sample."""
        return self.beat + (sample - self.sample) / rate * self.bpm / 60
