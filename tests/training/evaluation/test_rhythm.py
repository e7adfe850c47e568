"""The figures of rhythm: one-to-one matching, the grid, the context, a tracker's beats."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.evaluation.rhythm import (
    Agreement,
    agreement,
    beat_agreement,
    context_agreement,
    grid_agreement,
    grid_times,
    matched,
    tracked_beats,
)

SILENCE = np.zeros(4 * SAMPLE_RATE, np.float32)
times = st.lists(st.floats(0.0, 10.0), max_size=12).map(np.array)


# -- matching ------------------------------------------------------------------------------------


def most_pairs(one: list[float], other: list[float], tolerance: float) -> int:
    """Every choice tried: the first time stays alone, or goes with any partner near enough."""
    if not one:
        return 0
    best = most_pairs(one[1:], other, tolerance)
    for at, time in enumerate(other):
        if abs(one[0] - time) <= tolerance:
            rest = other[:at] + other[at + 1 :]
            best = max(best, 1 + most_pairs(one[1:], rest, tolerance))
    return best


def test_a_time_has_one_partner_only():
    assert matched(np.array([1.0, 1.01, 1.02]), np.array([1.0]), 0.05) == 1
    assert matched(np.array([1.0, 1.04]), np.array([1.02, 1.06]), 0.025) == 2


@given(
    one=st.lists(st.integers(0, 12), max_size=5),
    other=st.lists(st.integers(0, 12), max_size=5),
    tolerance=st.integers(0, 3),
)
def test_as_many_pairs_as_any_choice_gives(one, other, tolerance):
    found = matched(np.array(one, float), np.array(other, float), tolerance)
    assert found == most_pairs(list(one), list(other), tolerance)


@given(one=times, other=times, shift=st.floats(-5, 5))
def test_only_distances_count(one, other, shift):
    # 0.0625 and shifts of it are exact in binary; no pair stands on the edge by rounding.
    one, other, shift = (np.round(x * 16) / 16 for x in (one, other, shift))
    assert matched(one + shift, other + shift, 0.1) == matched(one, other, 0.1)
    assert matched(one, other, 0.1) == matched(other, one, 0.1)


def test_precision_recall_and_f1_by_hand():
    """Four estimates, two of them right, against five true times: 1/2, 2/5, 4/9."""
    figures = agreement(np.array([0.1, 1.1, 2.3, 3.3]), np.array([0, 1, 2, 3, 4.0]), 0.15)
    assert (figures.precision, figures.recall) == (0.5, 0.4)
    assert figures.f1 == pytest.approx(4 / 9)


def test_nothing_agrees_with_nothing():
    assert agreement(np.zeros(0), np.zeros(0), 0.1) == Agreement(0.0, 0.0)
    assert agreement(np.zeros(0), np.zeros(0), 0.1).f1 == 0.0
    assert agreement(np.array([1.0]), np.zeros(0), 0.1).f1 == 0.0


# -- the grid ------------------------------------------------------------------------------------


def test_grid_lines_by_hand():
    assert grid_times(120.0, 0.5, 4) == pytest.approx([0, 0.125, 0.25, 0.375])
    assert grid_times(100.0, 1.0, 3) == pytest.approx([0, 0.2, 0.4, 0.6, 0.8])
    assert len(grid_times(90.0, 240 / 90, 4)) == 16, "a bar has sixteen sixteenths"


def test_sixteenths_agree_in_full(make_clicks):
    stem = make_clicks(np.arange(1, 47) * 0.125, 6.0)
    assert grid_agreement(stem, 120.0).f1 > 0.97


def test_quarters_are_in_time_but_leave_lines_free(make_clicks):
    figures = grid_agreement(make_clicks(np.arange(1, 12) * 0.5, 6.0), 120.0)
    assert figures.precision == 1.0
    assert figures.recall == pytest.approx(11 / 47)


def test_half_a_sixteenth_late_is_never_in_time(make_clicks):
    late = make_clicks(np.arange(1, 46) * 0.125 + 0.0625, 6.0)
    assert grid_agreement(late, 120.0) == Agreement(0.0, 0.0)


def test_a_wrong_tempo_is_in_time_by_chance_only(make_clicks):
    """Spread evenly over the sixteenth, 2 x 25 ms of 125 ms are near a line: two fifths."""
    stem = make_clicks(np.arange(0.1, 29.9, 0.125 * 1.0371), 30.0)
    assert grid_agreement(stem, 120.0).precision == pytest.approx(0.4, abs=0.05)


def test_a_swung_beat_has_a_grid_of_triplets(make_clicks):
    beats = np.arange(1, 12) * 0.5
    stem = make_clicks(np.sort(np.concatenate([beats, beats + 1 / 3])), 6.5)
    assert grid_agreement(stem, 120.0, divisions=3).precision == 1.0
    assert grid_agreement(stem, 120.0, divisions=4).precision == pytest.approx(0.5)


def test_one_onset_and_none(make_clicks):
    one = grid_agreement(make_clicks([1.0], 4.0), 120.0)
    assert (one.precision, one.recall) == (1.0, pytest.approx(1 / 31))
    assert grid_agreement(SILENCE, 120.0) == Agreement(0.0, 0.0)


# -- the context ---------------------------------------------------------------------------------


def test_playing_together_and_past_each_other(make_clicks):
    stem = make_clicks(np.arange(0.5, 5.5, 0.5), 6.0)
    same = make_clicks(np.arange(0.5, 5.5, 0.5), 6.0, seed=1)
    between = make_clicks(np.arange(0.75, 5.5, 0.5), 6.0, seed=1)
    assert context_agreement(stem, same) == Agreement(1.0, 1.0)
    assert context_agreement(stem, between) == Agreement(0.0, 0.0)
    twice = context_agreement(stem, make_clicks(np.arange(0.5, 5.5, 0.25), 6.0, seed=1))
    assert (twice.precision, twice.recall) == (1.0, 0.5)


def test_a_silent_stem_or_context_has_no_agreement(make_clicks):
    stem = make_clicks([1.0, 2.0], 4.0)
    assert context_agreement(stem, SILENCE) == Agreement(0.0, 0.0)
    assert context_agreement(SILENCE, stem) == Agreement(0.0, 0.0)


# -- the tracker ---------------------------------------------------------------------------------


@pytest.mark.parametrize("bpm", [90.0, 120.0, 140.0])
def test_a_metronome_is_tracked(make_clicks, bpm):
    stem = make_clicks(np.arange(0, 11.9, 60 / bpm), 12.0)
    assert beat_agreement(stem, bpm).f1 > 0.9


def test_a_metronome_between_the_beats_is_not(make_clicks):
    stem = make_clicks(np.arange(0.25, 11.9, 0.5), 12.0)
    assert beat_agreement(stem, 120.0).f1 < 0.1


def test_a_stem_at_odds_with_its_context_costs_the_beat(make_clicks):
    """The louder of two metronomes is the one that is tracked."""
    context = make_clicks(np.arange(0, 11.9, 0.5), 12.0)
    other = make_clicks(np.arange(0.25, 11.9, 0.5), 12.0, seed=1)
    assert beat_agreement(context + np.float32(0.05) * other, 120.0).f1 > 0.9
    assert beat_agreement(np.float32(0.05) * context + other, 120.0).f1 < 0.1


def test_silence_has_no_beat():
    assert len(tracked_beats(SILENCE)) == 0
    assert beat_agreement(SILENCE, 120.0) == Agreement(0.0, 0.0)
