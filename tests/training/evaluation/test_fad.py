"""The Frechet distance against its formula, and the two halves of the true stems."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.fad import Fad, fad, frechet_distance, halves


def stems(count: int, mean: float = 0.0, scale: float = 1.0, seed: int = 0) -> list[np.ndarray]:
    """So many stems of six vectors each."""
    rng = np.random.default_rng(seed)
    return [rng.normal(mean, scale, (6, 4)).astype(np.float32) for _ in range(count)]


# -- the distance --------------------------------------------------------------------------------


def test_equal_populations_have_no_distance():
    vectors = np.concatenate(stems(50))
    assert frechet_distance(vectors, vectors[::-1]) == pytest.approx(0.0, abs=1e-6)


@given(st.lists(st.floats(-10, 10), min_size=4, max_size=4))
def test_a_shift_costs_its_square(shift):
    vectors = np.concatenate(stems(20)).astype(np.float64)
    moved = vectors + np.array(shift)
    expected = float(np.square(shift).sum())
    assert frechet_distance(vectors, moved) == pytest.approx(expected, abs=1e-6)


def test_in_one_dimension_spreads_differ_by_their_difference_squared():
    """(mean1 - mean2)^2 + (s1 - s2)^2, here 0 + (1 - 3)^2."""
    one = np.array([[-1.0], [1.0]]) / np.sqrt(2)
    assert frechet_distance(one, 3 * one) == pytest.approx(4.0)


def test_covariances_that_do_not_commute_by_hand():
    """diag(4, 1) against [[2.5, 1.5], [1.5, 2.5]]: 2 * trace of the root of the product.

    Both have the eigenvalues 4 and 1, the second turned by 45 degrees; the product has the trace
    12.5 and the determinant 16, so its roots' sum squared is 12.5 + 2 * 4.
    """
    square = np.array([[1, 1], [1, -1], [-1, 1], [-1, -1]]) * np.sqrt(3) / 2
    turn = np.array([[1, 1], [-1, 1]]) / np.sqrt(2)
    one = square * [2, 1]
    assert np.cov(one, rowvar=False) == pytest.approx(np.diag([4.0, 1.0]))
    assert frechet_distance(one, one @ turn) == pytest.approx(10 - 2 * np.sqrt(20.5))


def test_turning_both_changes_nothing_and_the_distance_has_no_direction():
    one, other = (np.concatenate(stems(30, scale=s, seed=n)) for n, s in ((0, 1.0), (1, 2.0)))
    turn, _ = np.linalg.qr(np.random.default_rng(2).normal(size=(4, 4)))
    distance = frechet_distance(one, other)
    assert frechet_distance(one @ turn, other @ turn) == pytest.approx(distance, rel=1e-4)
    assert frechet_distance(other, one) == pytest.approx(distance, rel=1e-4)


def test_fewer_vectors_than_dimensions_still_have_a_distance():
    wide = np.random.default_rng(0).normal(size=(5, 40))
    assert frechet_distance(wide, wide) == pytest.approx(0.0, abs=1e-5)
    assert frechet_distance(wide, wide + 1) == pytest.approx(40.0, rel=1e-4)


def test_one_vector_is_no_population():
    with pytest.raises(ValueError, match="1 and 6 vectors"):
        frechet_distance(np.zeros((1, 4)), np.zeros((6, 4)))


# -- populations of stems ------------------------------------------------------------------------


def songs(count: int) -> list[str]:
    """Ten stems a song."""
    return [f"{number // 10:05}" for number in range(count)]


def told(**ours: list[np.ndarray]) -> Fad:
    """The distances of populations from 400 stems of 40 songs."""
    found = fad(ours, stems(400, seed=2), songs(400), "toy")
    assert found is not None
    return found


def test_stems_like_the_true_ones_are_as_far_as_the_floor_and_others_far_above_it():
    found = told(alike=stems(200, seed=1), other=stems(200, mean=2.0, seed=1))
    assert (found.vectors, found.embedding) == (1200, "toy")
    assert 0 < found.floor < 0.1
    assert found.distances["alike"] < 3 * found.floor
    assert found.distances["other"] == pytest.approx(16.0, rel=0.1)


def test_whole_songs_are_in_one_half():
    """Windows of a song are alike: dealt one by one they would make the floor nothing."""
    one, other = halves([np.full((2, 1), float(n // 10)) for n in range(50)], songs(50))
    assert (set(one.ravel()), set(other.ravel())) == ({0.0, 2.0, 4.0}, {1.0, 3.0})
    rng = np.random.default_rng(3)
    alike = [centre + rng.normal(0, 0.01, (6, 4)) for centre in rng.normal(size=(40, 4))]
    by_song = [stem for stem in alike for _ in range(10)]
    assert fad({}, by_song, songs(400), "toy").floor > 0.1


def test_every_side_has_as_many_vectors_as_the_smallest():
    assert told(few=stems(170), many=stems(300)).vectors == 1020
    assert told(few=stems(250), many=stems(300)).vectors == 1200


def test_with_fewer_than_1000_vectors_nothing_is_told():
    assert set(told(enough=stems(167), few=stems(166), none=[]).distances) == {"enough"}
    ours, true = {"enough": stems(200)}, stems(330)
    assert fad(ours, true, songs(330), "toy") is None, "its halves have 1020 and 960"
    assert fad(ours, [], [], "toy") is None


def test_the_seed_fixes_a_figure_whatever_stands_beside_it():
    ours, true = stems(300, seed=1), stems(400, seed=2)
    first, again, other = (
        fad({"ours": ours, **more}, true, songs(400), "toy", seed)
        for more, seed in (({}, 5), ({"more": stems(300, seed=3)}, 5), ({}, 6))
    )
    assert (first.distances["ours"], first.floor) == (again.distances["ours"], again.floor)
    assert first.distances["ours"] != other.distances["ours"]
