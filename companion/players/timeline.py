"""Clips on the timeline: each player's placements, and what its bars are when their time comes.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from companion.audio.memory import AudioMemory
from companion.audio.writer import StemWriter
from companion.clock.transport import Transport
from companion.players.decision import Placement
from companion.players.journal import Diary
from companion.players.player import Voice

NEVER = sys.maxsize
"""The last bar and sample of a session that is not to end by itself."""


class Placing:
    """Puts what the planners decide on the timeline, up to the session's end.

    Attributes:
        end_bar: nothing is placed from there on.
    """

    def __init__(
        self, memory: AudioMemory, transport: Transport, diary: Diary, warn: Callable[[str], None]
    ) -> None:
        """Nothing placed; `warn` is told what the performer should know, in one line."""
        self._memory, self._transport, self._diary, self._warn = memory, transport, diary, warn
        self._writer = StemWriter(memory)
        self.end_bar = NEVER
        self._end_samples: int | None = None

    def end_at(self, sample: int) -> None:
        """The session ends at this stream sample."""
        self._end_samples = sample
        self.end_bar = self._transport.bar_at(sample - 1) + 1

    @property
    def end_samples(self) -> int:
        """The stream sample at which the session ends; where a last bar does, as it lies now."""
        if self._end_samples is not None:
            return self._end_samples
        return NEVER if self.end_bar == NEVER else self._transport.bar_start_samples(self.end_bar)

    def place(self, voice: Voice, placement: Placement) -> None:
        """Put a clip on the timeline, up to the session's end, or keep it until it fits there.

        A plan that took a fraction of the expected time may be for bars far ahead.
        """
        start = placement.start_samples
        if start >= self.end_samples:
            return
        clip = placement.clip[: self.end_samples - start]
        # With the join behind it, which would else depend on how far the stream is by now.
        end = start + len(clip) + self._writer.fade_out_samples
        if end > self._memory.horizon_samples:
            voice.early.append(placement)
            return
        at = self._memory.position
        if self._writer.place(voice.number, start, clip, placement.lead_in):
            self._diary.placed(voice.name, start, len(clip), at, placement)
            voice.planner.placed(placement)
            voice.overtaken(placement)
            return
        self._warn(f"{voice.name}: a stem came too late")
        detail = f"{voice.name}, bar {placement.first_bar}"
        self._diary.incident("placement too late", detail, self._memory.position)

    def retime(self, voice: Voice, now: int) -> None:
        """Move what is on the timeline where the tempo has moved since."""
        moved = voice.planner.retime(now)
        if moved is None:
            return
        clip = moved.clip[: max(0, self.end_samples - moved.start_samples)]
        start, at = moved.start_samples, self._memory.position
        if len(clip) and self._writer.place(voice.number, start, clip, moved.lead_in):
            self._diary.placed(voice.name, start, len(clip), at)
            voice.planner.retimed(moved)

    def settle(self, voice: Voice) -> None:
        """Try the clips that were too far ahead again, then settle the bars that are due.

        Those are the bars whose deadline has come, but for those behind the end.
        """
        early, voice.early = voice.early, []
        for placement in early:
            self.place(voice, placement)
        until = self._memory.position
        if self.end_bar != NEVER:
            until = min(until, voice.planner.deadline_samples(self.end_bar) - 1)
        decisions = voice.planner.due(until)
        for decision in decisions:  # all before any is placed: as they were made
            self._diary.bar(voice.name, decision)
        for decision in decisions:
            if decision.placement is not None:
                self.place(voice, decision.placement)
            voice.decided(decision)
