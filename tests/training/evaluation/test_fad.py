"""The Frechet distance against its formula, and the two hands of the true stems."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.fad import fad, fad_by_category, frechet_distance


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


def test_stems_like_the_true_ones_are_as_far_as_the_floor():
    figure = fad(stems(100, seed=1), stems(200, seed=2), "toy")
    assert figure.vectors == 600
    assert 0 < figure.floor < 0.1
    assert figure.distance < 3 * figure.floor


def test_other_stems_are_far_above_it():
    figure = fad(stems(100, mean=2.0, seed=1), stems(200, seed=2), "toy")
    assert figure.distance == pytest.approx(16.0, rel=0.1)
    assert figure.distance > 50 * figure.floor


def test_the_floor_parts_whole_stems():
    """Windows of a stem are alike: dealt one by one they would make the floor nothing."""
    rng = np.random.default_rng(3)
    uniform = [np.full((50, 4), rng.normal(size=4)) for _ in range(10)]
    assert fad(uniform, uniform, "toy").floor > 0.1


def test_every_side_has_as_many_vectors_as_the_smallest():
    assert fad(stems(5), stems(200), "toy").vectors == 30
    assert fad(stems(200), stems(10), "toy").vectors == 30


def test_the_label_names_embedding_and_size():
    assert fad(stems(5), stems(20), "toy").label == "FAD (toy, N = 30, too few to compare)"
    assert fad(stems(200), stems(400), "toy").label == "FAD (toy, N = 1200)"


def test_the_seed_fixes_the_figure():
    ours, true = stems(8, seed=1), stems(40, seed=2)
    assert fad(ours, true, "toy", seed=5) == fad(ours, true, "toy", seed=5)
    assert fad(ours, true, "toy", seed=5) != fad(ours, true, "toy", seed=6)


@pytest.mark.parametrize(("ours", "true"), [([], stems(4)), (stems(4), stems(1)), (stems(4), [])])
def test_too_few_stems_are_refused(ours, true):
    with pytest.raises(ValueError, match="valid: at least 2"):
        fad(ours, true, "toy")


def test_each_category_is_compared_with_its_own():
    true = {"bass": stems(40, seed=1), "organ": stems(40, mean=5.0, seed=2), "reed": stems(1)}
    ours = {"bass": stems(40, seed=3), "organ": stems(40, mean=5.0, seed=4), "reed": stems(1)}
    figures = fad_by_category(ours, true, "toy")
    assert list(figures) == ["bass", "organ"], "one stem cannot be dealt into two hands"
    assert all(figure.distance < 1 for figure in figures.values())
    swapped = {"bass": ours["organ"], "organ": ours["bass"]}
    crossed = fad_by_category(swapped, true, "toy")
    assert all(figure.distance > 50 for figure in crossed.values())
