"""Silence, entropy and variety at their ends and by hand."""

from __future__ import annotations

import math

import numpy as np
import pytest

from model.grid import SAMPLE_RATE, VOCABULARY
from training.evaluation.collapse import is_silent, silent_share, token_entropy, variety

TONE = np.float32(0.1) * np.sin(np.arange(2 * SAMPLE_RATE) * 0.05).astype(np.float32)


def test_a_stem_that_sounds_less_than_half_of_the_time_is_silent():
    quiet = np.zeros_like(TONE)
    assert not is_silent(TONE)
    assert is_silent(quiet)
    assert is_silent(np.concatenate([TONE, quiet, quiet]))
    assert not is_silent(np.concatenate([TONE, TONE, quiet]))


def test_the_line_is_at_60_db_below_full_scale():
    full = np.sqrt(2) / 0.1 * TONE  # RMS of 1
    assert not is_silent((full * 10 ** (-59 / 20)).astype(np.float32))
    assert is_silent((full * 10 ** (-61 / 20)).astype(np.float32))


def test_what_is_too_short_to_judge_is_silent():
    assert is_silent(TONE[:100])


def test_the_share_by_hand():
    assert silent_share([TONE, np.zeros_like(TONE), TONE, TONE]) == 0.25
    with pytest.raises(ValueError, match="at least one"):
        silent_share([])


def test_entropy_of_one_token_of_all_and_by_hand():
    """Shares of 1/2, 1/4 and 1/4 have 1.5 bits."""
    tokens = np.zeros((2, 3, VOCABULARY), np.int64)
    tokens[:, 1] = np.arange(VOCABULARY)
    tokens[0, 2, ::2], tokens[0, 2, 1::2] = 5, 7
    assert token_entropy(tokens) == pytest.approx([0.0, 11.0, 1.5])


def test_entropy_does_not_ask_for_the_order():
    tokens = np.random.default_rng(0).integers(0, 50, (4, 2, 100))
    shuffled = np.random.default_rng(1).permutation(tokens.transpose(0, 2, 1).reshape(-1, 2))
    again = shuffled.reshape(4, 100, 2).transpose(0, 2, 1)
    assert token_entropy(again) == pytest.approx(token_entropy(tokens))


def unit(seed: int) -> np.ndarray:
    rows = np.random.default_rng(seed).normal(size=(8, 64)).astype(np.float32)
    return rows / np.linalg.norm(rows, axis=1, keepdims=True)


def test_equal_takes_have_no_variety_and_unlike_ones_have_it_all():
    assert variety([unit(0)] * 4) == pytest.approx(0.0, abs=1e-6)
    assert variety([unit(seed) for seed in range(6)]) == pytest.approx(1.0, abs=0.1)


def test_variety_is_the_mean_over_pairs():
    """Three takes, two the same: one pair of three is alike."""
    orthogonal = np.eye(64, dtype=np.float32)
    one, other = orthogonal[:8], orthogonal[8:16]
    assert variety([one, one, other]) == pytest.approx(2 / 3)


def test_variety_needs_two_takes_with_bars():
    with pytest.raises(ValueError, match="at least 2"):
        variety([unit(0)])
    assert math.isnan(variety([unit(0)[:0], unit(1)[:0]]))
