"""Intervals hold what is true as often as they say, and nothing is found where there is nothing."""

from __future__ import annotations

import math

import numpy as np
import pytest

from companion.listening.analysis import Analysis, analysed
from companion.listening.statistics import Answers, holm
from tests.companion.listening.people import ARMS, Taste, key_of, study_of

LISTENERS, CONTEXTS = 16, 10
LIKE_PEOPLE = {"listeners": 0.5, "contexts": 0.4, "fits": 0.3, "scale": 0.2, "lapses": 0.02}
WORTH = (4.0, 3.6, 3.2, 2.8, 2.1)


def studies(taste: Taste, count: int) -> list[Analysis]:
    """What the analysis of so many studies of the same people says."""
    study = study_of(CONTEXTS, len(taste.worth))
    key = key_of(study)
    return [analysed(study, key, taste.answers(study, LISTENERS, seed)) for seed in range(count)]


@pytest.mark.parametrize("of", [{}, LIKE_PEOPLE], ids=["chance alone", "like people"])
def test_intervals_hold_the_truth_in_about_95_of_100_studies(of: dict) -> None:
    taste = Taste(WORTH, **of)
    ratings, shares = (dict(zip(ARMS, each, strict=False)) for each in taste.truth())
    means, differences, preferred = list[bool](), list[bool](), list[bool]()
    for analysis in studies(taste, 60):
        for each in analysis.conditions:
            means.append(each.rating.low <= ratings[each.name] <= each.rating.high)
            preferred.append(each.preferred.low <= shares[each.name] <= each.preferred.high)
        for pair in analysis.differences:
            true = ratings[pair.first] - ratings[pair.second]
            differences.append(pair.rating.low <= true <= pair.rating.high)
    for held in (means, differences, preferred):
        assert 0.92 <= np.mean(held) <= 0.995


def test_nothing_is_found_where_there_is_nothing() -> None:
    found = [
        any(each.is_found for each in analysis.differences)
        for analysis in studies(Taste((3.0,) * 5, **LIKE_PEOPLE), 60)
    ]
    assert np.mean(found) <= 0.1  # in 1 of 20 by chance


def test_what_was_put_in_is_found_in_its_order() -> None:
    for analysis in studies(Taste((4.2, 3.4, 3.4, 2.6, 1.8), **LIKE_PEOPLE), 8):
        told = {(each.first, each.second): each for each in analysis.differences}
        human, best, none, naive, another = ARMS[:5]
        for better, worse in ((human, naive), (best, another), (none, another), (human, another)):
            assert told[better, worse].is_found
        equal = told.get((best, none)) or told[none, best]
        assert not equal.is_found
        assert [each.name for each in analysis.conditions][-1] == another
        preferred = {each.name: each.preferred for each in analysis.conditions}
        assert preferred[human].low > 0.5 > preferred[another].high


def test_what_a_listener_gives_to_everything_makes_no_difference() -> None:
    dice = np.random.default_rng(0)
    listener, context = (each.ravel() for each in np.mgrid[:12, :10])
    arm = (listener + context) % 2
    value = 3.0 + arm + dice.normal(0, 0.3, len(arm))
    plain = Answers(value, arm, listener, context)
    biased = Answers(value + dice.normal(0, 2, 12)[listener], arm, listener, context)
    for one, other in zip(
        vars_of(plain.difference(1, 0)), vars_of(biased.difference(1, 0)), strict=True
    ):
        assert one == pytest.approx(other, abs=1e-9)
    assert biased.mean(1).high - biased.mean(1).low > 3 * (plain.mean(1).high - plain.mean(1).low)


def vars_of(estimate) -> tuple[float, ...]:
    return estimate.value, estimate.low, estimate.high, estimate.p


def test_missing_answers_make_no_difference_where_there_is_none() -> None:
    """Generous listeners who heard one condition more often do not make it better."""
    listener, context = (each.ravel() for each in np.mgrid[:12, :10])
    arm = (listener + context) % 2
    value = np.where(listener < 6, 4.5, 1.5) + np.random.default_rng(2).normal(0, 0.3, len(arm))
    kept = ~((listener < 6) & (arm == 0) & (context > 2))
    given = Answers(value[kept], arm[kept], listener[kept], context[kept])
    assert given.mean(1).value - given.mean(0).value > 0.5
    assert abs(given.difference(1, 0).value) < 0.2
    assert given.difference(1, 0).p > 0.01


def test_too_little_is_said_to_be_too_little() -> None:
    one = np.zeros(6, np.int64)
    few = Answers(np.arange(6.0), np.arange(6) % 2, one, np.arange(6))
    assert few.mean(0).value == 2.0
    assert math.isnan(few.mean(0).low)
    assert math.isnan(few.difference(0, 1).low)
    assert math.isnan(few.share(0).low)
    none = Answers(np.zeros(0), one[:0], one[:0], one[:0])
    assert math.isnan(none.mean(0).value)
    assert math.isnan(none.difference(0, 1).p)


def test_shares_stay_between_nothing_and_all() -> None:
    listener, context = (each.ravel() for each in np.mgrid[:6, :4])
    always = Answers(np.ones(24), np.zeros(24, np.int64), listener, context).share(0)
    assert (always.value, always.high) == (1.0, 1.0)
    assert 0.6 < always.low < 1.0


def test_p_values_stand_together_as_holm_has_it() -> None:
    assert holm([0.01, 0.04, 0.03, math.nan]) == pytest.approx(
        (0.03, 0.06, 0.06, math.nan), nan_ok=True
    )
    assert holm([0.9, 0.8]) == (1.0, 1.0)
