"""Whoever listens, and however many: every condition has the same chances."""

from __future__ import annotations

from collections import Counter
from itertools import pairwise
from math import lcm

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.listening.analysis import counts
from companion.listening.design import PAIRS, RATINGS, Trial, rounds_of, trials_of, williams
from tests.companion.listening.people import study_of

STUDIES = st.builds(study_of, st.integers(2, 40), st.integers(2, 6))


def rated(trials: tuple[Trial, ...]) -> list[Trial]:
    return [trial for trial in trials if counts(trial, "rating")]


def paired(trials: tuple[Trial, ...]) -> list[Trial]:
    return [trial for trial in trials if counts(trial, "pair")]


@given(STUDIES, st.integers(0, 500))
def test_a_listener_rates_every_condition_equally_often(study, listener) -> None:
    ratings = rated(trials_of(study, listener))
    assert len(ratings) <= max(RATINGS, study.arms)
    shares = Counter(trial.arms[0] for trial in ratings)
    assert set(shares.values()) == {rounds_of(study)}
    assert len(shares) == study.arms
    assert len({trial.sounds for trial in ratings}) == len(ratings)
    contexts = Counter(trial.context for trial in ratings)
    assert max(contexts.values()) - min(contexts[n] for n in range(study.contexts)) <= 1


@given(STUDIES, st.integers(1, 60))
def test_all_listeners_together_rate_every_sound_as_equally_as_can_be(study, listeners) -> None:
    ratings = [t for n in range(listeners) for t in rated(trials_of(study, n))]
    sounds = Counter(trial.sounds for trial in ratings)
    every = [sounds[(name,)] for row in study.sounds for name in row]
    assert max(every) - min(every) <= 1


@given(st.integers(2, 12))
def test_every_condition_comes_equally_often_at_each_place_and_after_each_other(count) -> None:
    orders = williams(count)
    places = Counter((place, arm) for order in orders for place, arm in enumerate(order))
    after = Counter(pair for order in orders for pair in pairwise(order))
    assert len(set(places.values())) == 1
    assert len(places) == count**2
    assert len(set(after.values())) == 1
    assert len(after) == count * (count - 1)


@pytest.mark.parametrize(("contexts", "arms"), [(8, 6), (12, 5), (7, 4), (3, 2)])
def test_all_pairs_come_equally_often_on_all_contexts_and_both_ways(contexts, arms) -> None:
    study, pairs = study_of(contexts, arms), arms * (arms - 1) // 2
    listeners = 2 * lcm(2 * pairs * contexts, PAIRS) // PAIRS
    heard = [t for n in range(listeners) for t in paired(trials_of(study, n))]
    assert len(Counter((trial.arms, trial.context) for trial in heard)) == 2 * pairs * contexts
    ways = Counter(trial.arms for trial in heard)
    assert len(ways) == 2 * pairs
    assert len(set(ways.values())) == 1
    where = Counter((frozenset(trial.arms), trial.context) for trial in heard)
    assert len(set(where.values())) == 1
    assert len(where) == pairs * contexts


@given(STUDIES, st.integers(0, 500))
def test_sounds_are_those_of_their_context_and_condition(study, listener) -> None:
    trials = trials_of(study, listener)
    for trial in trials:
        if trial.arms:
            assert trial.sounds == tuple(study.sounds[trial.context][arm] for arm in trial.arms)
    assert trials == trials_of.__wrapped__(study, listener)  # the same each time


@given(STUDIES, st.integers(0, 500))
def test_checks_are_spread_and_look_like_all_others(study, listener) -> None:
    trials = trials_of(study, listener)
    checks = [place for place, trial in enumerate(trials) if trial.is_check]
    assert [trials[place].kind for place in checks] == [*["rating"] * 3, "pair"]
    kinds = [trial.kind for trial in trials]
    for place in checks:
        trial = trials[place]
        assert trial.expected in trial.answers
        assert kinds[place - 1] == trial.kind  # between others of its kind
        if trial.kind == "rating":
            assert trial.sounds == (study.beeps[trial.expected - 1],)
        else:
            assert trial.sounds[trial.expected - 1] in study.beeps
            assert trial.sounds[2 - trial.expected] == study.plain
    assert kinds[0] == "headphones"
    assert [trial.practice for trial in trials[:5]] == [False, True, True, True, False]
    assert not any(trial.practice for trial in trials[4:])
