"""What one thing tells of another: as much as was put in, and nothing of a group from itself."""

from __future__ import annotations

import numpy as np
import pytest

from training.experiments.dependence import foretell
from training.experiments.estimates import NOTHING

ROWS, GROUPS = 1200, 300


def rows(correlation: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray, list[str]]:
    """Two columns told, two wanted, of which the first correlates so much with the first."""
    rng = np.random.default_rng(seed)
    told, noise = rng.normal(size=(ROWS, 2)), rng.normal(size=(ROWS, 2))
    wanted = noise.copy()
    wanted[:, 0] = correlation * told[:, 0] + np.sqrt(1 - correlation**2) * noise[:, 0]
    return told, wanted, [f"{n % GROUPS}" for n in range(ROWS)]


@pytest.mark.parametrize("correlation", [0.3, 0.6, 0.9])
def test_a_correlation_that_was_put_in_is_found(correlation):
    found = foretell(*rows(correlation))
    estimate = found.column_correlation(0)
    assert estimate.value == pytest.approx(correlation, abs=0.05)
    assert estimate.low < correlation < estimate.high and estimate.count == GROUPS
    # Of two columns of the same spread only one can be foretold.
    assert found.correlation().value == pytest.approx(correlation / np.sqrt(2), abs=0.05)


def test_nothing_is_found_where_nothing_is():
    """Not on average either: what is held out from a mean would correlate with it below 0."""
    found = [foretell(*rows(0.0, seed)) for seed in range(6)]
    assert abs(np.mean([side.column_correlation(0).value for side in found])) < 0.05
    assert all(side.correlation().value < 0.1 for side in found)


def test_what_only_a_group_itself_could_tell_is_not_foretold():
    rng = np.random.default_rng(0)
    group = np.arange(400) % 20
    told, wanted = rng.normal(size=(20, 50))[group], rng.normal(size=(20, 1))[group]
    groups = [f"{n}" for n in group]
    assert foretell(told, wanted, groups).correlation().value < 0.5


def test_too_few_groups_are_told():
    with pytest.raises(ValueError, match="at least 2"):
        foretell(np.zeros((3, 1)), np.zeros((3, 1)), ["a"] * 3)


def test_what_never_changes_tells_nothing():
    found = foretell(np.zeros((8, 1)), np.zeros((8, 1)), list("abcdefgh"))
    assert found.column_correlation(0) is NOTHING and found.correlation() is NOTHING
