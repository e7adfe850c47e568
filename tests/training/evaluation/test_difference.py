"""Differences of pairs: by hand, their sign, and when they are sure."""

from __future__ import annotations

import numpy as np
import pytest

from training.evaluation.difference import fad_difference, paired_difference
from training.evaluation.fad import frechet_distance

RNG = np.random.default_rng(0)


def stems(mean: float, count: int = 200) -> list[np.ndarray]:
    return [RNG.normal(mean, 1, (6, 4)).astype(np.float32) for _ in range(count)]


def test_by_hand():
    found = paired_difference(np.array([1.0, 2.0, 4.0]), np.array([0.0, 1.0, 3.0]))
    assert (found.difference, found.low, found.high, found.examples) == (1, 1, 1, 3)
    assert found.sure


def test_what_is_common_to_a_pair_cancels():
    hard = RNG.normal(0, 10, 50)
    found = paired_difference(hard + 0.5 + RNG.normal(0, 0.1, 50), hard)
    assert found.sure and 0.4 < found.low < 0.5 < found.high < 0.6


def test_chance_is_not_sure():
    found = paired_difference(RNG.normal(0, 1, 50), RNG.normal(0, 1, 50))
    assert not found.sure


def test_an_example_without_both_is_left_out():
    found = paired_difference(np.array([1.0, np.nan, 1.0]), np.array([0.0, 0.0, 0.0]))
    assert found.examples == 2
    assert paired_difference(np.array([1.0, np.nan]), np.zeros(2)) is None


def test_the_nearer_population_has_the_smaller_distance():
    true, near, far = stems(0), stems(0.2), stems(1)
    found = fad_difference(near, far, true)
    whole = [np.concatenate(side) for side in (near, far, true)]
    exact = frechet_distance(whole[0], whole[2]) - frechet_distance(whole[1], whole[2])
    assert found.difference == pytest.approx(exact)
    assert found.sure and found.high < 0
    back = fad_difference(far, near, true)
    assert back.difference == pytest.approx(-exact) and back.low > 0


def test_a_population_has_no_distance_from_itself():
    same = stems(0.5)
    found = fad_difference(same, same, stems(0))
    assert (found.difference, found.low, found.high) == (0, 0, 0) and not found.sure


def test_too_few_vectors_have_no_difference():
    enough, few = stems(0, 167), stems(0, 166)  # 1002 and 996 vectors
    assert fad_difference(enough, enough, enough) is not None
    assert fad_difference(few, enough, enough) is None
    assert fad_difference(enough, enough, few) is None
