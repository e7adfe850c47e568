"""What a session does while its sound device is away: it says so, and goes on with what it has.

Nothing is planned from a silence that is nobody's: the players repeat their last cycle, in phase,
until a whole bar has been heard again.

*Threading*: belongs to the session's thread.
"""

from __future__ import annotations

from collections.abc import Callable

from companion.audio.aligned_input import AlignedInput
from companion.clock.transport import Transport
from companion.device.event import Losable
from companion.players.journal import Journal
from companion.take.events import Incident

HEARD_BARS = 2
"""Bar lines after its return at which the device has given a whole bar."""


class Outage:
    """Follows the news of a stream.

    Attributes:
        on: whether the players are to go on without listening.
        lost_s: how long the device was away in all, seconds.
        times: how often.
        trouble: what is said of it while it is away; empty while it is there.
    """

    def __init__(
        self,
        stream: Losable | None,
        performed: AlignedInput,
        transport: Transport,
        journal: Journal,
        tell: Callable[[str], None],
    ) -> None:
        """Nothing has happened; without a device to lose nothing ever will.

        `tell` is given what the performer should know beside that, in one line.
        """
        self._stream, self._performed, self._transport = stream, performed, transport
        self._journal, self._tell = journal, tell
        self._until_bar: int | None = None
        self.on = False
        self.lost_s = 0.0
        self.times = 0
        self.trouble = self._gone = ""

    def tick(self, now: int) -> None:
        """Write down what happened, and tell the performer."""
        if self._stream is None:
            return
        for news in self._stream.drain():
            detail = news.detail
            if news.what == "lost":
                self.times += not self._gone  # else it is gone still, and cannot be opened
                self._gone = self._gone or detail
                why = "" if detail == self._gone else f" ({detail})"
                self.trouble = f"{self._gone}{why}"  # that it is gone counts more than why
            elif news.what == "back":
                self.lost_s += news.seconds
                self.trouble = self._gone = ""
                detail = f"back after {news.seconds:.2f} s, {detail}"
                self._until_bar = self._transport.bar_at(news.position) + HEARD_BARS
            self._journal.write(Incident(what=f"device {news.what}", detail=detail), news.position)
            if news.what == "back" or (news.what == "latency" and news.notable):
                self._tell(detail)
        self._journal.unheard(self._performed.gaps, now)
        if self._stream.away:
            self.on, self._until_bar = True, None
        elif self._until_bar is not None and self._transport.bar_at(now) >= self._until_bar:
            self.on, self._until_bar = False, None
