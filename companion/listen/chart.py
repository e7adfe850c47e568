"""A chart: the chords of the bars of a song, as far as a musician wrote them down.

chords: [Am, F, C, G7/B]                 one bar each, from the first again after the last
chords: [Am, F G, "C . . G7", "%"]       F and G share a bar; a dot is a beat more; % as before
chords: "| Am . F . | C . G . | % |"     the same as text, with bar lines
chords: "|: Am | F :| C | G |"           played twice, Am F Am F C G; `:|3` for three times
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from companion.listen.chord import Chord, read_chord
from companion.system.errors import CompanionError

MOST_BARS = 512
"""Bars of a chart, repeats written out."""
_REPEAT = re.compile(r"\|:(.*?):\|(?:x?(\d+))?", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Change:
    """A chord (or None: no chord) from some place in a bar on, 0 to less than 1 of the bar."""

    place: Fraction
    chord: Chord | None
    name: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Bars of chords, which begin again after the last; each bar has a change at its start."""

    bars: tuple[tuple[Change, ...], ...]

    def at(self, bar: int, place: Fraction) -> Change:
        """What is written at a place (0 to less than 1) in a bar of the song, counted from 0."""
        changes = self.bars[bar % len(self.bars)]
        return next(change for change in reversed(changes) if change.place <= place)


def read_chart(written: str | Sequence[str], beats_per_bar: int) -> Chart:
    """Read a chart; see the module for how it is written.

    Raises:
        CompanionError: what is written is no chart, with the bar that is wrong.
    """
    texts = _bars_of(written) if isinstance(written, str) else [str(bar) for bar in written]
    if not 0 < len(texts) <= MOST_BARS:
        raise CompanionError(f"chords has {len(texts)} bars; valid: 1 to {MOST_BARS}")
    bars: list[tuple[Change, ...]] = []
    for number, text in enumerate(texts, 1):
        try:
            bars.append(_read_bar(text, beats_per_bar, bars[-1] if bars else None))
        except CompanionError as error:
            raise CompanionError(f"chords, bar {number}: {error}") from error
    return Chart(tuple(bars))


def _bars_of(text: str) -> list[str]:
    """The bars between bar lines, repeats written out."""

    def repeated(match: re.Match[str]) -> str:
        times = int(match[2] or 2)
        if not 1 <= times <= MOST_BARS:
            raise CompanionError(f"chords repeats {times} times; valid: 1 to {MOST_BARS}")
        return "|" + "|".join([match[1].strip().strip("|")] * times) + "|"

    plain = _REPEAT.sub(repeated, text)
    if ":" in plain:
        raise CompanionError(f"chords is {text!r}; valid: each |: with its :|")
    return [bar for bar in plain.split("|") if bar.strip()]


def _read_bar(
    text: str, beats_per_bar: int, before: tuple[Change, ...] | None
) -> tuple[Change, ...]:
    """The changes of one bar.

    Chords alone share the bar evenly; with dots each chord and each dot is one of the bar's beats.
    """
    words = text.split()
    if words in (["%"], ["."]):
        if before is None:
            raise CompanionError(f"{text!r} with no bar before it; valid: a chord")
        # What goes on from the bar before is what that one ended with.
        return before if words == ["%"] else (_moved(before[-1]),)
    if not words:
        raise CompanionError("nothing is written; valid: a chord, or % for the bar before")
    share = Fraction(1, len(words))
    if "." in words and len(words) != beats_per_bar:
        raise CompanionError(
            f"{text.strip()!r} has {len(words)} beats; valid: {beats_per_bar}, or no dots"
        )
    changes = []
    for index, word in enumerate(words):
        if word != ".":
            changes.append(Change(index * share, read_chord(word), word))
        elif index == 0:
            if before is None:
                raise CompanionError(f"{text.strip()!r} begins with a dot; valid: a chord")
            changes.append(_moved(before[-1]))
    return tuple(changes)


def _moved(change: Change) -> Change:
    """The same chord from the start of a bar on."""
    return Change(Fraction(0), change.chord, change.name)
