"""Which sounds a listener hears, and in which order: by the listener's number, and nothing else.

*Ratings* run through a list of all sounds, each listener going on where the one before ended. In
the list contexts and conditions both go round, and the conditions are moved on by one each time
that both would come out together: so any stretch of it has every condition equally often, every
context as equally as can be, and no sound comes twice before all others have come (a balanced
incomplete block design). Each round of conditions is heard in the order of a row of a Williams
square: every condition comes equally often at each place, and after each other one.

*Pairs* of two conditions on one context run through a list of the same kind; which of the two is A
changes each time that the list has been through.

*Checks* have beeps to be counted, in a sound like all others.
"""

from __future__ import annotations

import random
from dataclasses import dataclass
from functools import lru_cache
from itertools import combinations, pairwise
from math import lcm
from typing import Literal

from companion.listening.study import BEEPS, Study

Kind = Literal["headphones", "rating", "pair"]

RATINGS = 24
"""Ratings of a listener, about: as many as rounds of all conditions go into it, at least one."""
PAIRS = 8
CHECKS = 3
"""Checks among the ratings; among the pairs there is one more."""
HEADPHONE_TONES = 6
"""Answers to the headphones check are how many of so many were right."""
SCALE = 5


@dataclass(frozen=True, slots=True)
class Trial:
    """One thing to answer.

    Attributes:
        kind: what is asked; of the headphones check, how many tones were named rightly.
        sounds: names in the study: none, one, or the two of a pair.
        practice: it does not count.
        context: row of the study; -1 for a check.
        arms: columns of the study, one for each sound; empty for a check.
        expected: the right answer to a check: 1..5 beeps, or which of a pair has them; 0 for none.
    """

    kind: Kind
    sounds: tuple[str, ...] = ()
    practice: bool = False
    context: int = -1
    arms: tuple[int, ...] = ()
    expected: int = 0

    @property
    def answers(self) -> range:
        """What can be answered."""
        if self.kind == "headphones":
            return range(HEADPHONE_TONES + 1)
        return range(1, (SCALE if self.kind == "rating" else 2) + 1)

    @property
    def is_check(self) -> bool:
        """Whether it tells if the listener listens."""
        return self.expected > 0 and not self.practice


@lru_cache(4096)
def trials_of(study: Study, listener: int) -> tuple[Trial, ...]:
    """All that the listener of a number, from 0 up, is asked, in order."""
    dice = random.Random(f"listener {listener}")
    ratings = _ratings(study, listener)
    pairs = [_pair(study, listener * PAIRS + n) for n in range(PAIRS)]
    practice = (
        # What this listener will not hear again, unless everything is heard.
        _rating(study, (listener + 1) * len(ratings), practice=True),
        _check(study, dice.randint(1, BEEPS), practice=True),
        _pair(study, (listener + 1) * PAIRS, practice=True),
    )
    ends = [len(ratings) * third // CHECKS for third in range(CHECKS + 1)]
    for first, last in list(pairwise(ends))[::-1]:  # from behind, so that places stay
        ratings.insert(dice.randint(max(1, first), last), _check(study, dice.randint(1, BEEPS)))
    pairs.insert(dice.randint(1, PAIRS - 1), _pair_check(study, dice))
    return Trial("headphones"), *practice, *ratings, *pairs


def rounds_of(study: Study) -> int:
    """How often a listener rates each condition."""
    return max(1, min(RATINGS // study.arms, study.contexts))


def williams(count: int) -> tuple[tuple[int, ...], ...]:
    """Orders of `count` things: each equally often at each place and after each other one."""
    zigzag = [(n + 1) // 2 if n % 2 else -(n // 2) for n in range(count)]
    rows = [tuple((row + step) % count for step in zigzag) for row in range(count)]
    return (*rows, *(row[::-1] for row in rows)) if count % 2 else tuple(rows)


def _ratings(study: Study, listener: int) -> list[Trial]:
    orders, rounds, made = williams(study.arms), rounds_of(study), list[Trial]()
    for which in range(listener * rounds, (listener + 1) * rounds):
        trials = [_rating(study, which * study.arms + n) for n in range(study.arms)]
        by_arm = {trial.arms[0]: trial for trial in trials}
        made += [by_arm[arm] for arm in orders[which % len(orders)]]
    return made


def _rating(study: Study, place: int, practice: bool = False) -> Trial:
    context, arm = place % study.contexts, _moved(place, study.arms, study.contexts)
    return Trial("rating", (study.sounds[context][arm],), practice, context, (arm,))


def _pair(study: Study, place: int, practice: bool = False) -> Trial:
    pairs = list(combinations(range(study.arms), 2))
    contexts = study.contexts
    context, which = place % contexts, _moved(place, len(pairs), contexts)
    arms = pairs[which]
    # Every other time that the pair comes; with an even number of contexts that would be the same
    # each time that it comes with one of them.
    turns = place // len(pairs) + (contexts + 1) * (place // (len(pairs) * contexts))
    if (turns + which) % 2:
        arms = arms[::-1]
    sounds = tuple(study.sounds[context][arm] for arm in arms)
    return Trial("pair", sounds, practice, context, arms)


def _moved(place: int, count: int, contexts: int) -> int:
    """Which of `count` conditions, or pairs of them, comes at a place of the list.

    The list begins anew when it is through, so that no stretch as long as it has anything twice.
    """
    return (place + place % (count * contexts) // lcm(count, contexts)) % count


def _check(study: Study, beeps: int, practice: bool = False) -> Trial:
    return Trial("rating", (study.beeps[beeps - 1],), practice, expected=beeps)


def _pair_check(study: Study, dice: random.Random) -> Trial:
    which = dice.randint(1, 2)
    sounds = (study.beeps[2], study.plain)
    return Trial("pair", sounds if which == 1 else sounds[::-1], expected=which)
