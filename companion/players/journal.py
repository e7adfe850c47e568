"""What a session writes down: its plans, bars, knobs and incidents, as events of the take.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from companion.audio.aligned_input import Gaps
from companion.clock.transport import Transport
from companion.take.events import Event, TempoMoved, Unheard
from companion.take.take import Take


class Journal:
    """Turns what happens at a stream sample into events at a second of the take."""

    def __init__(
        self,
        take: Take | None,
        transport: Transport,
        start_samples: int,
        hear: Callable[[Event], None] = lambda _: None,
    ) -> None:
        """Nothing written yet.

        Args:
            take: where events go; None keeps none.
            transport: the bar grid.
            start_samples: stream sample that the take begins with.
            hear: told of every event, with a take or without.
        """
        self._take, self._transport, self._start, self._hear = take, transport, start_samples, hear
        self._told_segments = transport.segments
        self._told_gaps: Gaps = ()

    def write(self, event: Event, at: int) -> None:
        """Write an event down that happens at a stream sample, and have it heard."""
        self.tempo()
        event = replace(event, bar=self._transport.bar_at(at), time_s=self.seconds(at))
        self._hear(event)
        if self._take is not None:
            self._take.log(event)

    def seconds(self, sample: int) -> float:
        """The second of the take at a stream sample."""
        return (sample - self._start) / self._transport.rate

    def tempo(self) -> None:
        """Write down where the tempo has been steered since the last call.

        It is done before whatever else is written down: clips are laid on the beats of the moment.
        """
        told, segments = self._told_segments, self._transport.segments
        if told is segments:
            return
        self._told_segments = segments
        same = min(len(told), len(segments))
        while same and segments[same - 1] is not told[same - 1]:  # only the last ones ever change
            same -= 1
        for segment in segments[same:]:
            moved = TempoMoved(
                beat=float(segment.beat),
                bpm=segment.bpm(self._transport.rate),
                sample=segment.sample,
                beat_exact=str(segment.beat),
                beat_samples=str(segment.beat_samples),
            )
            self.write(moved, segment.sample)

    def unheard(self, gaps: Gaps, at: int) -> None:
        """The performed samples, [first, end) each, that no device heard, are these by now."""
        if gaps != self._told_gaps:
            self._told_gaps = gaps
            self.write(Unheard(samples=tuple(gaps)), at)
