"""What is wrong with who leads: a master that is gone, or whose tempo is not to be had.

*Threading*: belongs to the session's thread; `trouble` may be read from any.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Literal

from companion.clock.grid import MAX_BPM, MIN_BPM
from companion.clock.reading import Reading
from companion.clock.transport import Transport

MASTERS = {"midi": "MIDI clock", "link": "Ableton Link"}
"""The sources that somebody else is behind, by the name that a performer knows."""
WAIT_S = {"": 0.0, "absent": 3.0, "gone": 0.0, "beyond": 1.0}
"""So long something is wrong before it is told; a source takes its time to call itself gone."""
AT_THE_EDGE = 0.005
"""A tempo beyond the range by less than this part may only be measured so."""
MEASURE_S = 1.0
"""Over about so long a tempo is judged: one near the edge jitters."""

Wrong = Literal["", "absent", "gone", "beyond"]


def within_reach(bpm: float) -> bool:
    """Whether a measured tempo is in range, or so near that it may be."""
    return MIN_BPM * (1 - AT_THE_EDGE) <= bpm <= MAX_BPM * (1 + AT_THE_EDGE)


class LeadWatch:
    """Tells in one line what is wrong, and when it is over.

    Attributes:
        trouble: what is wrong now; empty where nothing is.
    """

    def __init__(self, transport: Transport, tell: Callable[[str], None]) -> None:
        """The companion itself leads; `tell` is told what the performer should know, in a line."""
        self._transport, self._tell = transport, tell
        self._name = ""
        self.choose("")

    def choose(self, name: str) -> None:
        """Another source leads, of which nothing has been heard yet."""
        self._name = name
        self._heard = False
        self._wrong: Wrong = ""
        self._told: Wrong = ""
        self._since: int | None = None
        self._bpm, self._measured = 0.0, 0  # a slow mean of its tempo, and when
        self.trouble = ""

    def look(self, now: int, reading: Reading | None, sure: bool) -> None:
        """Judge what the source says, in beats, at a stream sample; `sure` if it is followed."""
        if self._name not in MASTERS:
            return
        if self._since is None:
            self._since = now
        wrong = self._judged(now, reading, sure)
        if wrong != self._wrong:
            self._wrong, self._since = wrong, now
        if wrong == self._told or now - self._since < WAIT_S[wrong] * self._transport.rate:
            return
        over = f"{self._label} is {'there' if self._told == 'absent' else 'back'}"
        self._told, self.trouble = wrong, self._line(wrong, reading)
        self._tell(self.trouble or over)

    def moved(self) -> None:
        """The players fall silent because its bars are elsewhere."""
        self._tell(f"the bars of {self._label} are elsewhere: the players come back on them")

    @property
    def _label(self) -> str:
        return MASTERS.get(self._name, self._name)

    def _judged(self, now: int, reading: Reading | None, sure: bool) -> Wrong:
        if reading is not None and reading.gone:
            return "gone"
        if reading is not None and sure:
            share = min(1.0, (now - self._measured) / (MEASURE_S * self._transport.rate))
            self._bpm += (reading.bpm - self._bpm) * (share if self._heard else 1.0)
            self._measured, self._heard = now, True
            return "" if within_reach(self._bpm) else "beyond"
        # Gone for long it says nothing at all; just back it is not sure yet; stopped it may rest.
        return self._wrong if self._heard else "absent"

    def _line(self, wrong: Wrong, reading: Reading | None) -> str:
        if not wrong:
            return ""
        playing_on = f"playing on at {float(self._transport.tempo):.1f} BPM"
        if wrong == "absent":
            return f"no {self._label} is coming; {playing_on}"
        if wrong == "gone":
            what = {"link": "nobody else is on Ableton Link any more"}
            return f"{what.get(self._name, f'{self._label} has stopped coming')}; {playing_on}"
        assert reading is not None, "a tempo beyond the range was read"
        meter, bpm = self._transport.meter, reading.bpm
        quarters = "" if meter.quarters(1.0) == 1.0 else f" ({meter.quarters(bpm):.1f} quarters)"
        valid = f"valid: {MIN_BPM} to {MAX_BPM}"
        return f"{self._label} is at {bpm:.1f} BPM{quarters}; {valid}; {playing_on}"
