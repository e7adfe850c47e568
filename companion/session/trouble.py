"""What went wrong: gathered from everywhere in one ledger, and told in the order of its weight.

Some trouble lasts, as a lost device does: it is told until it is over, and for a while after that.
Some happens, as a message that makes no sense does: it is told for long enough to be read. What
happens again and again is one entry that counts.

*Threading*: the ledger belongs to the session's thread, but for `told`, which any may read.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Literal, get_args

Kind = Literal[
    "recording", "device", "clock", "generator", "midi", "osc", "late", "blocks", "message", "news"
]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""What can go wrong, the gravest first; news is what went right again."""
SEVERITIES: dict[Kind, int] = {
    "recording": 3,
    "device": 3,
    "clock": 2,
    "generator": 2,
    "midi": 2,
    "osc": 2,
    "late": 1,
    "blocks": 1,
    "message": 1,
    "news": 0,
}
"""3: sound or the take is lost; 2: a part of the rig does not work; 1: small; 0: news."""
READ_S = 10.0
"""How long it is told once it has happened or is over."""
AGAIN_S = 1.0
"""What changes, or comes and goes, is written down and sent no more often than this."""
MOST = 4
"""Different things of one kind that are told apart; any more are one."""

Key = tuple[Kind, str]
Condition = Callable[[], str]
"""Gives what is wrong, one line, as long as it is; empty while nothing is."""


@dataclass(frozen=True, slots=True)
class Trouble:
    """One thing that went wrong."""

    kind: Kind  # of what kind
    text: str  # one line for people
    since_s: float  # when it began; when it first happened
    over_s: float | None  # when it was over, or happened last; None while it lasts
    lasting: bool  # whether it lasts until it is over, or happens
    times: int = 1  # how often it began or happened
    about: str = ""  # which of its kind: a port, an address; empty where there is one
    read: bool = False  # whether it has been told for long enough, and is told no longer

    @property
    def over(self) -> bool:
        """Whether it is over; what happens is when it has been read."""
        return self.read or (self.lasting and self.over_s is not None)

    @property
    def severity(self) -> int:
        """3 the gravest, 0 news; see `SEVERITIES`."""
        return SEVERITIES[self.kind]

    @property
    def line(self) -> str:
        """How it is shown: whether it is over, what, and how often."""
        over = "over: " if self.over else ""
        return f"{over}{self.text}{f' ({self.times} times)' if self.times > 1 else ''}"

    @property
    def _order(self) -> tuple[bool, int, float, float]:
        return self.over, KINDS.index(self.kind), -(self.over_s or self.since_s), self.since_s


class Ledger:
    """Everything that went wrong in a session, in the order of its weight.

    Attributes:
        told: what is told now, what lasts or has just happened before what is over, and of these
            the gravest first.
    """

    def __init__(
        self, clock: Callable[[], float], hear: Callable[[Trouble], None] = lambda _: None
    ) -> None:
        """Nothing has gone wrong.

        Args:
            clock: seconds since the set began.
            hear: told at a tick of whatever begins, happens, changes or is over.
        """
        self._clock, self._hear = clock, hear
        self._now: dict[Key, Trouble] = {}
        self._all: dict[Key, Trouble] = {}  # of the set, with how often in all
        self._watched: dict[Key, Condition] = {}
        self._heard: dict[Key, tuple[str, bool, float]] = {}  # what, whether over, and when
        self.told: tuple[Trouble, ...] = ()

    def watch(self, kind: Kind, condition: Condition, about: str = "") -> None:
        """Look at a condition at every tick, and tell of it as long as it says something."""
        self._watched[kind, about] = condition

    def happened(self, kind: Kind, text: str, times: int = 1, about: str = "") -> None:
        """Something went wrong, once or so many times since it was last told of."""
        self._note(kind, text, self._clock(), False, times, about)

    def tick(self) -> None:
        """Look at what is watched, and let go of what has been read."""
        now_s = self._clock()
        for (kind, about), condition in self._watched.items():
            kept = self._now.get((kind, about))
            lasts = kept is not None and kept.over_s is None
            if text := condition():
                if kept is None or not lasts or kept.text != text:
                    self._note(kind, text, now_s, True, 0 if lasts else 1, about)
            elif kept is not None and lasts:
                self._put(replace(kept, over_s=now_s))
        for key, each in tuple(self._now.items()):
            if each.over_s is None or now_s < each.over_s + READ_S:
                self._tell(key, each, now_s)
            else:
                del self._now[key]
                self._tell(key, replace(each, read=True), now_s)
                del self._heard[key]
        self.told = tuple(sorted(self._now.values(), key=lambda each: each._order))

    def summary(self) -> tuple[Trouble, ...]:
        """What went wrong in the whole set, the gravest first; news is left out."""
        kept = (each for each in self._all.values() if each.severity)
        return tuple(sorted(kept, key=lambda each: (KINDS.index(each.kind), each.since_s)))

    def _note(
        self, kind: Kind, text: str, now_s: float, lasting: bool, times: int, about: str
    ) -> None:
        key = kind, about
        if key not in self._all and sum(each == kind for each, _ in self._all) >= MOST:
            key = kind, ""
        kept = self._now.get(key)
        over_s = None if lasting else now_s
        if kept is None:
            noted = Trouble(kind, text, now_s, over_s, lasting, times, key[1])
        else:
            noted = replace(kept, text=text, over_s=over_s, times=kept.times + times)
        first = self._all.get(key)
        self._all[key] = replace(
            noted,
            since_s=noted.since_s if first is None else first.since_s,
            times=times if first is None else first.times + times,
        )
        self._put(noted)

    def _put(self, trouble: Trouble) -> None:
        key = trouble.kind, trouble.about
        self._now[key] = trouble
        self._all[key] = replace(self._all[key], over_s=trouble.over_s)

    def _tell(self, key: Key, trouble: Trouble, now_s: float) -> None:
        """Have it heard if it is not as it was heard last: at once if new, else now and then."""
        text, over, heard_s = self._heard.get(key, ("", True, float("-inf")))
        if (text, over) == (trouble.text, trouble.over) or now_s < heard_s + AGAIN_S:
            return
        self._heard[key] = trouble.text, trouble.over, now_s
        self._hear(trouble)


def summary_lines(troubles: tuple[Trouble, ...]) -> list[str]:
    """The end of a set: how much went wrong, then each with the time at which it began."""
    if not troubles:
        return []
    many = len(troubles)
    lines = [f"{many} {'thing' if many == 1 else 'things'} went wrong:"]
    for each in troubles:
        minutes, seconds = divmod(int(max(0.0, each.since_s)), 60)
        often = f" ({each.times} times)" if each.times > 1 else ""
        lasts = ", to the end" if each.lasting and each.over_s is None else ""
        lines.append(f"  {minutes}:{seconds:02d} {each.text}{often}{lasts}")
    return lines
