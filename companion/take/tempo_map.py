"""The tempo map of a take: its seconds to beats and back, as its events tell it."""

from __future__ import annotations

import bisect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil, floor

from companion.clock.meter import Meter
from companion.take.events import Event, TakeStarted, TempoMoved


@dataclass(frozen=True, slots=True)
class Segment:
    """From `time_s`, at which it is `beat`, on: `bpm` beats a minute."""

    time_s: float
    beat: float
    bpm: float


@dataclass(frozen=True, slots=True)
class TempoMap:
    """Beats count from bar 0, seconds from the first sample of the take's files."""

    # at least one, oldest first; the first tempo holds before it as well
    segments: tuple[Segment, ...]
    beats_per_bar: float  # at least 1; counted in quarter notes it is 3.5 in 7/8
    step: float = 1.0  # a beat that is felt; counted in quarter notes it is 1.5 in 9/8

    def in_quarters(self, meter: Meter) -> TempoMap:
        """This map, counted in quarter notes instead of the beats of a meter."""
        segments = tuple(
            Segment(each.time_s, meter.quarters(each.beat), meter.quarters(each.bpm))
            for each in self.segments
        )
        bar, step = meter.quarters_per_bar, meter.quarters_per_beat
        return TempoMap(segments, float(bar), float(step))

    def beat_at(self, time_s: float) -> float:
        """The beat at a time."""
        segment = self._last(time_s, lambda each: each.time_s)
        return segment.beat + (time_s - segment.time_s) * segment.bpm / 60

    def time_s(self, beat: float) -> float:
        """The time of a beat."""
        segment = self._last(beat, lambda each: each.beat)
        return segment.time_s + (beat - segment.beat) * 60 / segment.bpm

    def bar_s(self, bar: int) -> float:
        """The time at which a bar starts."""
        return self.time_s(bar * self.beats_per_bar)

    def bars(self, end_s: float) -> range:
        """The bars whose starts lie from second 0 up to, and not at, `end_s`."""
        first = self.beat_at(0.0) / self.beats_per_bar
        last = self.beat_at(end_s) / self.beats_per_bar
        return range(ceil(first - 1e-6), ceil(last - 1e-6))

    @property
    def first_beat(self) -> float:
        """The place of the beat with which the take begins, negative in a count-in."""
        return floor(self.beat_at(0.0) / self.step + 1e-3) * self.step

    def _last(self, at: float, start: Callable[[Segment], float]) -> Segment:
        return self.segments[max(0, bisect.bisect_right(self.segments, at, key=start) - 1)]


def tempo_map(take: TakeStarted, events: Sequence[Event]) -> TempoMap:
    """The map of a take, of its beginning and what came after."""
    segments = [Segment(0.0, -take.first_bar_s * take.bpm / 60, take.bpm)]
    for event in events:
        if isinstance(event, TempoMoved):
            # Steered again before an earlier change came to be: that one never was.
            while segments and segments[-1].time_s >= event.time_s:
                segments.pop()
            segments.append(Segment(event.time_s, event.beat, event.bpm))
    return TempoMap(tuple(segments), take.beats_per_bar)
