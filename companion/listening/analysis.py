"""`companion listen-test analyse`: what the answers of a study say, and whether they are enough."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from companion.listening.answers import Answer
from companion.listening.design import HEADPHONE_TONES, Trial, trials_of
from companion.listening.statistics import Answers, Estimate, holm
from companion.listening.study import Key, Study

ENOUGH = 50
"""Ratings of a condition, at least."""
HEADPHONES_RIGHT = HEADPHONE_TONES - 1
"""Tones named rightly by who most likely wears headphones."""
SIGNIFICANT = 0.05
Given = tuple[Trial, Answer]


@dataclass(frozen=True, slots=True)
class Condition:
    """What came of one condition.

    Attributes:
        name: of the condition.
        ratings: how many counted.
        rating: their mean, 1..5.
        missing: ratings to `ENOUGH`.
        pairs: how many it was heard in.
        preferred: share of these in which it was preferred, 0..1.
    """

    name: str
    ratings: int
    rating: Estimate
    missing: int
    pairs: int
    preferred: Estimate


@dataclass(frozen=True, slots=True)
class Difference:
    """Two conditions beside each other.

    Attributes:
        first, second: their names.
        rating: mean of the first less that of the second.
        p: of all differences together (Holm).
        pairs: in which both were heard.
        preferred: share of these in which the first was preferred.
    """

    first: str
    second: str
    rating: Estimate
    p: float
    pairs: int
    preferred: Estimate

    @property
    def is_found(self) -> bool:
        """Whether listeners told them apart."""
        return self.p < SIGNIFICANT


@dataclass(frozen=True, slots=True)
class Analysis:
    """What came of a study.

    Attributes:
        conditions: the best rated first.
        differences: of each two of them, the better rated first.
        listeners: who answered anything.
        finished: who answered everything.
        left_out: who had too few checks right, or never came to them.
        headphones: of who is counted, those that most likely wore some.
        contexts: names.
    """

    conditions: tuple[Condition, ...]
    differences: tuple[Difference, ...]
    listeners: int
    finished: int
    left_out: int
    headphones: int
    contexts: tuple[str, ...]


def analysed(study: Study, key: Key, answers: Sequence[Answer]) -> Analysis:
    """The answers, with the conditions named."""
    given = asked(study, answers)
    out = left_out(study, given)
    kept = [(trial, answer) for trial, answer in given if answer.listener not in out]
    ratings = _ratings(kept)
    wins = _wins(kept, lambda arms: arms)
    found = [_condition(arm, key.arms[arm], ratings, wins) for arm in range(study.arms)]
    order = sorted(range(study.arms), key=lambda arm: -np.nan_to_num(found[arm].rating.value))
    pairs = list(combinations(order, 2))
    rated = [ratings.difference(*pair) for pair in pairs]
    together = holm([each.p for each in rated])
    differences = []
    for pair, rating, p in zip(pairs, rated, together, strict=True):
        both = _wins(kept, lambda arms, pair=pair: pair[:1] if set(arms) == set(pair) else ())  # type: ignore[misc]
        first, second = (key.arms[arm] for arm in pair)
        preferred = both.share(pair[0])
        differences.append(Difference(first, second, rating, p, len(both.value), preferred))
    listeners, finished = progress(study, answers)
    headphones = sum(
        trial.kind == "headphones" and answer.value >= HEADPHONES_RIGHT for trial, answer in kept
    )
    return Analysis(
        tuple(found[arm] for arm in order),
        tuple(differences),
        listeners,
        finished,
        len(out),
        headphones,
        tuple(sorted(key.contexts)),
    )


def asked(study: Study, answers: Sequence[Answer]) -> list[Given]:
    """Answers with the trials that they are answers to."""
    trials: dict[int, tuple[Trial, ...]] = {}
    for answer in answers:
        if answer.listener not in trials:
            trials[answer.listener] = trials_of(study, answer.listener)
    return [(trials[answer.listener][answer.trial], answer) for answer in answers]


def progress(study: Study, answers: Iterable[Answer]) -> tuple[int, int]:
    """How many listeners have answered anything, and how many everything."""
    answered = Counter(answer.listener for answer in answers)
    finished = sum(count == len(trials_of(study, who)) for who, count in answered.items())
    return len(answered), finished


def left_out(study: Study, given: Iterable[Given]) -> frozenset[int]:
    """Listeners who have fewer of the checks right than the study asked for when it was made."""
    right: dict[int, int] = {}
    for trial, answer in given:
        passed = trial.is_check and answer.value == trial.expected
        right[answer.listener] = right.get(answer.listener, 0) + passed
    return frozenset(who for who, count in right.items() if count < study.checks_right)


def counts(trial: Trial, kind: str) -> bool:
    """Whether a trial is of a kind and counts: neither practice nor a check."""
    return trial.kind == kind and bool(trial.arms) and not trial.practice


def _ratings(kept: Iterable[Given]) -> Answers:
    rows = [
        (answer.value, trial.arms[0], answer.listener, trial.context)
        for trial, answer in kept
        if counts(trial, "rating")
    ]
    return _answers(rows)


def _wins(kept: Iterable[Given], of: Callable[[tuple[int, ...]], tuple[int, ...]]) -> Answers:
    """Pairs as answers of arms: 1 where the arm was preferred, 0 where the other was."""
    rows = [
        (float(trial.arms[answer.value - 1] == arm), arm, answer.listener, trial.context)
        for trial, answer in kept
        if counts(trial, "pair")
        for arm in of(trial.arms)
    ]
    return _answers(rows)


def _answers(rows: Sequence[tuple[float, int, int, int]]) -> Answers:
    value, arm, listener, context = np.array(rows, np.float64).reshape(-1, 4).T
    return Answers(value, *(each.astype(np.int64) for each in (arm, listener, context)))


def _condition(arm: int, name: str, ratings: Answers, wins: Answers) -> Condition:
    count = int((ratings.arm == arm).sum())
    return Condition(
        name,
        count,
        ratings.mean(arm),
        max(0, ENOUGH - count),
        int((wins.arm == arm).sum()),
        wins.share(arm),
    )
