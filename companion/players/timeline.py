"""Clips on the timeline: each player's placements, and what its bars are when their time comes.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

import sys
from collections.abc import Callable

from companion.audio.writer import StemWriter
from companion.players.decision import Laid, Placement
from companion.players.desk import Desk
from companion.players.player import Player
from companion.take.events import ClipPlaced, Incident

NEVER = sys.maxsize
"""The last bar and sample of a session that is not to end by itself."""


class Timeline:
    """Puts what the planners decide on the timeline, up to the session's end.

    Attributes:
        end_bar: nothing is placed from there on.
    """

    def __init__(self, desk: Desk, warn: Callable[[str], None]) -> None:
        """Nothing placed; `warn` is told what the performer should know, in one line."""
        self._memory, self._transport, self._journal = desk.memory, desk.transport, desk.journal
        self._warn, self._writer = warn, StemWriter(desk.memory)
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

    def place(self, player: Player, placement: Placement) -> None:
        """Put a clip on the timeline, up to the session's end, or keep it until it fits there.

        A plan that took a fraction of the expected time may be for bars far ahead.
        """
        samples = self._samples(placement)
        if not samples:
            return
        # With the join behind it, which would else depend on how far the stream is by now.
        end = placement.start_samples + samples + self._writer.fade_out_samples
        if end > self._memory.horizon_samples:
            player.early.append(placement)
        elif self._write(player, placement, placement.epoch, placement.number):
            player.planner.placed(placement)
            newest = placement.epoch  # older plans' early clips are void; after silence all are
            player.early = [
                each
                for each in player.early
                if newest is not None and each.epoch is not None and each.epoch > newest
            ]
        else:
            self._warn(f"{player.name}: a stem came too late")
            detail = f"{player.name}, bar {placement.first_bar}"
            incident = Incident(what="placement too late", detail=detail)
            self._journal.write(incident, self._memory.position)

    def retime(self, player: Player, now: int) -> None:
        """Move what is on the timeline where the tempo has moved since."""
        moved = player.planner.stem.retime(now)
        if moved is not None and self._samples(moved) and self._write(player, moved):
            player.planner.stem.laid(moved)

    def _samples(self, laid: Laid) -> int:
        """How long a clip is up to the session's end."""
        return max(0, min(len(laid.clip), self.end_samples - laid.start_samples))

    def _write(
        self, player: Player, laid: Laid, epoch: int | None = None, number: int | None = None
    ) -> bool:
        """Put a clip, or without a number what was there already, onto the timeline.

        False where it is too late for that.
        """
        start, samples, at = laid.start_samples, self._samples(laid), self._memory.position
        if not self._writer.place(player.number, start, laid.clip[:samples], laid.lead_in):
            return False
        placed = ClipPlaced(
            player=player.name,
            sample=at,
            start_samples=start,
            samples=samples,
            epoch=epoch,
            number=number,
            moved=number is None,
        )
        self._journal.write(placed, start)
        return True

    def settle(self, player: Player) -> None:
        """Try the clips that were too far ahead again, then settle the bars that are due.

        Those are the bars whose deadline has come, but for those behind the end.
        """
        early, player.early = player.early, []
        for placement in early:
            self.place(player, placement)
        until = self._memory.position
        if self.end_bar != NEVER:
            until = min(until, player.planner.bars.deadline_samples(self.end_bar) - 1)
        decisions = player.planner.bars.due(until)
        for event, _ in decisions:  # all before any is placed: as they were made
            self._journal.write(event, self._transport.bar_start_samples(event.bar))
        for _, due in decisions:
            if due is not None:
                self.place(player, due)
