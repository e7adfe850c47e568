from __future__ import annotations

import numpy as np
import pytest

from training.experiments.law import Law, fit_law

MINUTES = [4.0] * 3 + [16.0] * 3 + [60.0] * 3
SONGS = [5.0, 15.0, 45.0, 20.0, 60.0, 180.0, 75.0, 225.0, 675.0]


def windows_of(law: Law, spread: float) -> list[np.ndarray]:
    """What the law says of each portion in 40 windows, some of which are harder than others."""
    rng = np.random.default_rng(2)
    harder = rng.normal(0, 1, 40)
    told = law.bits(np.array(MINUTES), np.array(SONGS))
    return [bits + harder - harder.mean() + rng.normal(0, spread, 40) for bits in told]


@pytest.mark.parametrize("law", [Law(30.0, 8.0, 0.5, 0.0), Law(34.0, 6.0, 0.2, 0.3)])
def test_a_law_that_was_put_in_is_found(law):
    fit = fit_law(MINUTES, SONGS, windows_of(law, 0.0))
    assert fit.law.amount == pytest.approx(law.amount, abs=0.03)
    assert fit.law.variety == pytest.approx(law.variety, abs=0.03)
    assert fit.law.floor == pytest.approx(law.floor, abs=0.2)
    assert fit.error < 0.01


def test_its_intervals_hold_what_was_put_in():
    law = Law(33.0, 8.0, 0.4, 0.2)
    fit = fit_law(MINUTES, SONGS, windows_of(law, 0.05))
    assert fit.amount.low - 0.05 <= law.amount <= fit.amount.high + 0.05
    assert fit.variety.low - 0.05 <= law.variety <= fit.variety.high + 0.05
    assert fit.amount.high > fit.amount.low


def test_what_no_law_of_this_kind_has_leaves_an_error():
    bits = [np.full(40, 30.0 + (place % 2)) for place in range(len(MINUTES))]
    assert fit_law(MINUTES, SONGS, bits).error > 0.3
