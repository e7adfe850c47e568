"""What is equal but for rounding is equal: the first is taken, on every processor."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from model.ties import ROUNDING, all_alike, first_best

grades = arrays(np.int64, st.integers(1, 40), elements=st.integers(-5, 5))
scales = st.floats(1e-6, 1e6)


@given(grades, scales, st.integers(0, 2**32 - 1))
def test_the_first_of_equals_is_taken_whatever_the_last_bits_are(grade, scale, seed):
    noise = np.random.default_rng(seed).uniform(-1, 1, len(grade))
    scores = scale * (grade + 0.2 * ROUNDING * noise)
    assert first_best(scores.astype(np.float32), 5.0 * scale) == int(np.argmax(grade))
    assert first_best(scores, 5.0 * scale) == int(np.argmax(grade))


@given(grades)
def test_without_a_scale_it_is_that_of_the_scores(grade):
    assert first_best(grade.astype(float)) == int(np.argmax(grade))


def test_the_index_is_into_the_flattened_array():
    assert first_best(np.array([[0.0, 1.0], [1.0 + 1e-7, 0.5]])) == 1


def test_nothing_has_no_best():
    with pytest.raises(ValueError):
        first_best(np.zeros(0), 1.0)


@given(scales, st.integers(0, 2**32 - 1))
def test_values_that_rounding_sets_apart_are_alike(scale, seed):
    noise = np.random.default_rng(seed).uniform(-1, 1, 12)
    assert all_alike(scale * (1 + 0.1 * ROUNDING * noise))
    assert not all_alike(scale * (1 + 1e-3 * np.arange(12)))
