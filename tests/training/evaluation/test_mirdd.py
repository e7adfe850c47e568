"""The divergence by hand, its floor, and that each descriptor can move the figure."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.descriptors import BINS, Descriptors
from training.evaluation.mirdd import LABEL, Mirdd, divergence, histogram, mirdd


def population(count: int, seed: int, top: float = 0.5) -> list[Descriptors]:
    """Examples whose values lie in the lower part, up to `top`, of each descriptor's bins."""
    rng = np.random.default_rng(seed)
    many = {"note pitches": 30, "pitch classes": 30, "chord triads": 16, "structure labels": 4}
    return [
        {
            name: rng.integers(0, max(2, int(top * bins)), many.get(name, 1)).tolist()
            for name, bins in BINS.items()
        }
        for _ in range(count)
    ]


def test_there_are_eleven_descriptors():
    assert len(BINS) == 11


def test_a_histogram_by_hand():
    """Three values in four bins, half a count each: 2.5, 0.5, 1.5 and 0.5 of 5."""
    assert histogram([0, 0, 2], 4) == pytest.approx([0.5, 0.1, 0.3, 0.1])
    assert histogram([], 4) == pytest.approx([0.25] * 4)


def test_a_divergence_by_hand():
    true, ours = np.array([0.5, 0.5]), np.array([0.25, 0.75])
    assert divergence(true, ours) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert divergence(ours, true) != pytest.approx(divergence(true, ours))


@given(
    st.lists(st.integers(0, 7), max_size=30),
    st.lists(st.integers(0, 7), max_size=30),
    st.permutations(range(8)),
)
def test_a_divergence_is_never_negative_and_asks_no_order_of_the_bins(true, ours, order):
    one, other = histogram(true, 8), histogram(ours, 8)
    assert divergence(one, other) >= 0
    assert divergence(one, one) == pytest.approx(0.0, abs=1e-12)
    moved = divergence(one[list(order)], other[list(order)])
    assert moved == pytest.approx(divergence(one, other), abs=1e-12)


def test_a_population_is_not_far_from_itself():
    examples = population(50, seed=1)
    figure = mirdd(examples, examples[::-1])
    assert figure.mean == pytest.approx(0.0, abs=1e-12)
    assert (set(figure.by_descriptor), figure.examples) == (set(BINS), 50)


def test_another_population_is_farther_than_another_draw_of_the_same():
    true = population(200, seed=1)
    same, other = population(200, seed=2), population(200, seed=3, top=1.0)
    assert mirdd(other, true).mean > 3 * mirdd(same, true).mean


def test_more_examples_lower_the_floor():
    few = mirdd(population(20, seed=1), population(20, seed=2))
    many = mirdd(population(400, seed=1), population(400, seed=2))
    assert many.mean < 0.5 * few.mean


@pytest.mark.parametrize("name", BINS)
def test_each_descriptor_counts_for_an_eleventh(name):
    true = population(50, seed=1)
    ours = [{**example, name: [BINS[name] - 1]} for example in true]
    figure = mirdd(ours, true)
    assert figure.by_descriptor[name] > 0.3
    assert [n for n, value in figure.by_descriptor.items() if value > 1e-9] == [name]
    assert figure.mean == pytest.approx(figure.by_descriptor[name] / 11)


def test_populations_are_cut_to_one_size_by_the_seed():
    ours, true = population(30, seed=1), population(90, seed=2)
    assert mirdd(ours, true).examples == 30
    assert mirdd(ours, true, seed=4) == mirdd(ours, true, seed=4)
    assert mirdd(ours, true, seed=4) != mirdd(ours, true, seed=5)


def test_silent_examples_are_far_from_music():
    silent: Descriptors = {name: [] for name in BINS}
    figure = mirdd([silent] * 50, population(50, seed=1))
    assert figure.mean > mirdd(population(50, seed=2), population(50, seed=1)).mean


def test_no_examples_are_refused():
    with pytest.raises(ValueError, match="0 examples against 2"):
        mirdd([], population(2, seed=1))


def test_the_label_says_that_it_is_ours():
    assert "not comparable" in LABEL
    assert Mirdd({"a": 1.0, "b": 2.0}, 3).mean == 1.5
