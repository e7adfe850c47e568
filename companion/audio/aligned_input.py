"""The input as the performer meant it: what he plays along with frame f is frame f.

The sign, once and for all: a frame f of the timeline leaves the rig when the counter stands at f.
It sounds a little later, the performer plays along with it, and what he plays is captured when the
counter stands at ``f + round_trip``. So ``performed(f) = captured(f + round_trip)``, and what was
performed is known up to ``position - round_trip``. The stems need no shift: they and the click
leave on one timeline, so who plays in time with the one is in time with the other.

A device that comes back may have another round trip, and while there is none, nothing is heard:
both are remembered with the captured frame from which they hold.

*Threading*: any thread may read; one thread, the stream's, says what changes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from companion.audio.memory import AudioMemory, Samples
from companion.system.errors import CompanionError


class Capture(Protocol):
    """Where input is kept, as it was or better."""

    @property
    def position(self) -> int:
        """What lies before this frame is heard."""
        ...

    def capture(self, start: int, n: int) -> Samples:
        """Mono input of frames [start, start + n), float32 [n]; CompanionError if not kept."""
        ...


Gaps = Sequence[tuple[int, int | None]]
"""Stretches of frames without a device, [first, end) each; the present one has no end."""


class AlignedInput:
    """A view of a memory's input, shifted by the round trip; also what its voices played.

    Args:
        memory: the rig's.
        round_trip_samples: from the output back to the input, at least 0.
    """

    def __init__(self, memory: AudioMemory, round_trip_samples: int = 0) -> None:
        self.memory = memory
        # (captured frame, round trip from there on), oldest first. Replaced, never changed.
        self._shifts: tuple[tuple[int, int], ...] = ((0, round_trip_samples),)
        self._gaps: tuple[tuple[int, int | None], ...] = ()

    @property
    def round_trip_samples(self) -> int:
        """From the output back to the input, now."""
        return self._shifts[-1][1]

    @property
    def position(self) -> int:
        """What lies before this frame has been performed."""
        return self.memory.position - self.round_trip_samples

    @property
    def gaps(self) -> tuple[tuple[int, int | None], ...]:
        """Performed frames [start, end) without a device, oldest first; the present has no end."""
        gaps = []
        for gap, back in self._gaps:
            for first, until, trip in self._spans():
                start = max(first, gap - trip)
                ends = [end for end in (back and back - trip, until) if end is not None]
                if not ends or start < min(ends):
                    gaps.append((start, min(ends, default=None)))
        return tuple(gaps)

    def shift(self, captured: int, round_trip_samples: int) -> None:
        """From a captured frame on the round trip is another.

        Where the device came back after `captured`, the sound since then was aligned with the wrong
        round trip: the gap is taken to end now.
        """
        if round_trip_samples == self.round_trip_samples:
            return
        if self._gaps and (self._gaps[-1][1] or 0) >= captured:
            later = max(0, round_trip_samples - self.round_trip_samples)
            heard = self.memory.position + later
            self._gaps = (*self._gaps[:-1], (self._gaps[-1][0], heard))
        before = tuple(shift for shift in self._shifts if shift[0] < captured)
        self._shifts = (*before, (captured, round_trip_samples))

    def gone(self, captured: int) -> None:
        """From a captured frame on there is no device."""
        self._gaps = (*self._gaps[-8:], (captured, None))

    def back(self, captured: int) -> None:
        """From a captured frame on there is one again."""
        if self._gaps and self._gaps[-1][1] is None:
            self._gaps = (*self._gaps[:-1], (self._gaps[-1][0], captured))

    def look(self, source: Capture | None = None, first: int = 0) -> Look:
        """What has been heard by now of this, or of what ``source`` makes of it; see ``Look``."""
        return Look(source or self, self.position, first, self.gaps)

    @property
    def stereo(self) -> bool:
        """Whether its two channels are kept."""
        return self.memory.stereo

    def capture(self, start: int, n: int) -> Samples:
        """Performed frames [start, start + n), float32 [n]; silence where no device was.

        Raises:
            CompanionError: they have not been performed yet or have left the ring.
        """
        return np.concatenate([self.memory.capture(*piece) for piece in self._pieces(start, n)])

    def capture_stereo(self, start: int, n: int) -> Samples:
        """Frames as ``capture`` has them, float32 [n, 2]; needs ``stereo``."""
        pieces = self._pieces(start, n)
        return np.concatenate([self.memory.capture_stereo(*piece) for piece in pieces])

    def played(self, voice: int, start: int, n: int) -> Samples:
        """What a voice played; see ``AudioMemory.played``."""
        return self.memory.played(voice, start, n)

    def _pieces(self, start: int, n: int) -> list[tuple[int, int]]:
        """Where performed frames were captured, at least one piece: first frame, length."""
        pieces = []
        at, end = start, start + n
        for _, until, trip in self._spans():
            until = end if until is None else min(end, until)
            if at < until:
                pieces.append((at + trip, until - at))
                at = until
        return pieces or [(start + self.round_trip_samples, n)]

    def _spans(self) -> Iterator[tuple[int, int | None, int]]:
        """Performed frames [first, until) and their round trip; the last has no end."""
        shifts, first = self._shifts, 0
        for (_, trip), following in zip(shifts, (*shifts[1:], None), strict=True):
            until = None if following is None else following[0] - following[1]
            yield first, until, trip
            first = first if until is None else max(first, until)


@dataclass(frozen=True, slots=True)
class Look:
    """What has been heard up to a moment: news of the device that comes later changes none of it.

    Where there was no device nothing is kept: who listens takes that for unknown, and not for a
    performer who fell silent. Everything that decides what is heard is here, so that a take which
    keeps it, and the input from ``first`` on, can be replayed.

    Attributes:
        source: of the input.
        position: what lies before this frame is heard.
        first: what lies before this frame, the take's first, is silence.
        gaps: stretches without a device.
    """

    source: Capture
    position: int
    first: int = 0
    gaps: Gaps = ()

    def capture(self, start: int, n: int) -> Samples:
        """Frames [start, start + n), float32 [n]; CompanionError where there was no device."""
        if any(at < start + n and (end is None or start < end) for at, end in self.gaps):
            raise CompanionError(f"there was no sound device in frames {start}..{start + n}")
        before = min(n, max(0, self.first - start))
        if not before:
            return self.source.capture(start, n)
        heard = np.zeros(n, np.float32)
        if before < n:
            heard[before:] = self.source.capture(start + before, n - before)
        return heard
