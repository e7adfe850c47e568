"""Where beats and bars lie in the stream: a tempo that may be steered while it plays.

The line of beats over stream samples is a chain of straight segments. What is past never moves:
a bar line that was played stays where it was. Steering changes the tempo from a sample on and
leaves the line unbroken there, so whoever follows another clock corrects a difference in phase by
a slightly other tempo for a while, never by a jump.

*Threading*: `steer` belongs to the session's thread. Everything else may be called from any thread:
the map is replaced as a whole.
"""

from __future__ import annotations

import bisect
import math
from dataclasses import dataclass
from fractions import Fraction

from companion.audio.format import check_rate
from companion.clock.grid import HEADROOM, BarLines, Grid, check_bpm, within_range
from companion.clock.meter import Meter, in_quarter_notes
from companion.system.errors import CompanionError

BEAT_RESOLUTION = 1 << 40
"""Beats of a new segment are rounded to this: a millionth of a sample, so that an evening of
steering does not make ever longer fractions."""
TEMPO_RESOLUTION = 1 << 20
"""The length of a beat is rounded to this part of a sample."""
KEPT_BARS = 64
"""Bars whose beat lines are kept."""


@dataclass(frozen=True, slots=True)
class Segment:
    """From `sample`, at which it is `beat`, on: beats `beat_samples` apart."""

    sample: int
    beat: Fraction
    beat_samples: Fraction

    def bpm(self, rate: int) -> float:
        """Beats a minute at so many samples a second."""
        return float(60 * rate / self.beat_samples)


class Transport(BarLines):
    """Beats and bars in the stream. Bar 0 starts at an origin; count-in bars are negative.

    Attributes:
        rate: stream samples a second.
        beats_per_bar: at least 1.
        meter: what a beat is.
        origin_samples: stream sample of bar 0 while the tempo has not moved.
        segments: the tempo map, oldest first; before the first segment its tempo holds as well.
    """

    def __init__(
        self,
        rate: int,
        bpm: Fraction | float,
        origin_samples: int,
        beats_per_bar: int = 4,
        meter: Meter | None = None,
    ) -> None:
        """A constant tempo of 40..240 beats a minute, until it is steered.

        Args:
            rate: stream samples a second.
            bpm: beats a minute.
            origin_samples: stream sample of bar 0.
            beats_per_bar: at least 1; of the meter, where that is given.
            meter: what a beat is; by default a quarter note.

        Raises:
            CompanionError: the tempo, the rate or the bar is outside its range.
        """
        self.rate = check_rate(rate)
        self.meter = meter or in_quarter_notes(beats_per_bar)
        self.beats_per_bar = beats_per_bar = self.meter.beats_per_bar
        self.origin_samples = origin_samples
        if beats_per_bar < 1:
            raise CompanionError(f"beats_per_bar {beats_per_bar} must be 1 or more")
        # Exact, not rounded: without steering, an hour of bars does not drift. From the stream's
        # first sample on, so that steering in the count-in leaves its first clicks where they were.
        beat_samples = 60 * rate / check_bpm(bpm)
        start = Segment(0, -origin_samples / beat_samples, beat_samples)
        self.segments: tuple[Segment, ...] = (start,)
        self._tempo: Fraction | None = None  # that of the last segment was bent from
        self._last_bar: tuple[tuple[Segment, ...], int, int, int] = (self.segments, 0, 0, 0)
        """The bar that was asked for last: the map it was read from, the bar, its two lines."""
        self._known: tuple[tuple[Segment, ...], dict[int, tuple[int, ...]]] = (self.segments, {})
        """Beat lines of bars, with the map they were read from: each tick asks for dozens."""
        self._rates: tuple[Fraction, Fraction] = beat_samples, 60 * rate / beat_samples
        """The length of a beat, and the tempo that it means: a division of fractions is slow."""
        self._within = self._rates[1], within_range(self._rates[1])
        """A tempo, and what of it is within the range."""

    # --- tempo ---------------------------------------------------------------------------------

    @property
    def bpm(self) -> Fraction:
        """The latest tempo, beats a minute."""
        length = self.beat_samples
        known, bpm = self._rates
        if known is not length:
            bpm = 60 * self.rate / length
            self._rates = length, bpm
        return bpm

    @property
    def tempo(self) -> Fraction:
        """The latest tempo without its bend, beats a minute, within 40..240.

        It is where the tempo will be once a difference in phase is made good.
        """
        asked = self.bpm if self._tempo is None else self._tempo
        known, within = self._within
        if known is not asked:
            within = within_range(asked)
            self._within = asked, within
        return within

    @property
    def beat_samples(self) -> Fraction:
        """Length of a beat at the latest tempo, samples."""
        return self.segments[-1].beat_samples

    def grid(self) -> Grid:
        """Bars and frames at the latest tempo without its bend, as if it had always been so.

        A tempo that was steered to is taken to a thousandth.
        """
        bpm = self.bpm if len(self.segments) == 1 else self.tempo.limit_denominator(1000)
        return Grid(self.rate, bpm, self.origin_samples, self.beats_per_bar)

    def steer(
        self, sample: int, bpm: Fraction | float, tempo: Fraction | float | None = None
    ) -> None:
        """Go on at another tempo from a sample on, which must not have been played yet.

        Args:
            sample: of the stream.
            bpm: beats a minute; it may be bent beyond the range by `HEADROOM`.
            tempo: what it is bent from for a while; None if it is not bent.

        Raises:
            CompanionError: the tempo is outside 40..240 BPM.
        """
        exact = 60 * self.rate / check_bpm(bpm, HEADROOM)
        beat_samples = Fraction(round(exact * TEMPO_RESOLUTION), TEMPO_RESOLUTION)
        beat = Fraction(round(self._beat_at(sample) * BEAT_RESOLUTION), BEAT_RESOLUTION)
        self.follow(Segment(sample, beat, beat_samples))
        self._tempo = None if tempo is None else Fraction(tempo)

    def follow(self, segment: Segment) -> None:
        """Take over a segment of another transport with the same origin, as it is."""
        kept = bisect.bisect_left(self.segments, segment.sample, key=_sample)
        self.segments = (*self.segments[:kept], segment)
        self._tempo = None

    # --- lines ---------------------------------------------------------------------------------

    def beat_start_samples(self, beat: Fraction | int) -> int:
        """See `BarLines`."""
        return _line(self.segments, beat)

    def bar_start_samples(self, bar: int) -> int:
        """See `BarLines`."""
        return self.beat_lines(bar)[0]

    def beat_lines(self, bar: int) -> tuple[int, ...]:
        """See `BarLines`."""
        segments = self.segments
        known, lines = self._known
        if known is not segments or len(lines) > KEPT_BARS:
            lines = {}
            self._known = segments, lines
        if (found := lines.get(bar)) is None:
            first = bar * self.beats_per_bar
            beats = range(first, first + self.beats_per_bar + 1)
            found = lines[bar] = tuple(_line(segments, beat) for beat in beats)
        return found

    def bar_at(self, sample: int) -> int:
        """The bar that sounds at a stream sample, by the rounded bar lines."""
        segments = self.segments
        known, bar, start, end = self._last_bar
        # Asked dozens of times a tick, nearly always for the bar that sounds.
        if known is segments and start <= sample < end:
            return bar
        whole = self.beats_per_bar
        bar = math.floor(_beat_at(segments, sample) / whole)
        start, end = _line(segments, bar * whole), _line(segments, (bar + 1) * whole)
        # The next line may have been rounded down to this very sample, or this bar's up beyond it
        # where the tempo changes.
        while end <= sample:
            bar, start, end = bar + 1, end, _line(segments, (bar + 2) * whole)
        while start > sample:
            bar, start, end = bar - 1, _line(segments, (bar - 1) * whole), start
        self._last_bar = (segments, bar, start, end)
        return bar

    def beat_at(self, sample: int) -> float:
        """The beat at a stream sample, counted from bar 0."""
        segment = _last(self.segments, sample, _sample)
        since, length = segment.beat, segment.beat_samples
        # The quotient of whole numbers that `Fraction` would come to, and as exact.
        over = (sample - segment.sample) * length.denominator * since.denominator
        over += since.numerator * length.numerator
        return over / (since.denominator * length.numerator)

    def _beat_at(self, sample: int) -> Fraction:
        return _beat_at(self.segments, sample)


def _line(segments: tuple[Segment, ...], beat: Fraction | int) -> int:
    """The stream sample nearest to a beat; halves go up.

    In whole numbers, which are exact as well: `Fraction` takes ten times as long, for the most part
    to reduce what is rounded at once.
    """
    segment = _last(segments, beat, _beat)
    since, length = segment.beat, segment.beat_samples
    over = beat.numerator * since.denominator - since.numerator * beat.denominator
    over *= 2 * length.numerator
    under = beat.denominator * since.denominator * length.denominator
    return segment.sample + (over + under) // (2 * under)


def _beat_at(segments: tuple[Segment, ...], sample: int) -> Fraction:
    segment = _last(segments, sample, _sample)
    return segment.beat + (sample - segment.sample) / segment.beat_samples


def _beat(segment: Segment) -> Fraction:
    return segment.beat


def _sample(segment: Segment) -> int:
    return segment.sample


def _last(segments: tuple[Segment, ...], at: Fraction | int, key: object) -> Segment:
    """The last segment that begins at or before, else the first."""
    if len(segments) == 1:
        return segments[0]
    found = bisect.bisect_right(segments, at, key=key)  # type: ignore[call-overload]
    return segments[max(0, found - 1)]
