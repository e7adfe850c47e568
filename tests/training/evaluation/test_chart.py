"""The chart in seconds: what sounds when, in a window that starts on any bar."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.band.harmony import Chord
from training.evaluation.chart import TimedChord, chords_between

CHART = [[0, 0, 0, ""], [1, 0, 9, "m"], [1, 2, 5, "M7"], [2, 0, 7, "7"]]


def test_by_hand():
    """At 120 BPM a bar in 4/4 lasts 2 s; the window holds bar 1 and half of bar 2."""
    assert chords_between(CHART, 120.0, 4, first_bar=1, duration_s=3.0) == (
        TimedChord(0.0, 1.0, Chord(9, "m")),
        TimedChord(1.0, 2.0, Chord(5, "M7")),
        TimedChord(2.0, 3.0, Chord(7, "7")),
    )


def test_the_chord_of_an_earlier_bar_sounds_on():
    chords = chords_between([[0, 0, 4, "m7"]], 60.0, 4, first_bar=3, duration_s=2.5)
    assert chords == (TimedChord(0.0, 2.5, Chord(4, "m7")),)


@given(
    bpm=st.floats(60, 180),
    first_bar=st.integers(0, 4),
    duration_s=st.floats(0.5, 30.0),
)
def test_a_window_is_filled_without_a_gap(bpm, first_bar, duration_s):
    chords = chords_between(CHART, bpm, 4, first_bar, duration_s)
    assert (chords[0].start_s, chords[-1].end_s) == (0.0, duration_s)
    for one, other in pairwise(chords):
        assert one.end_s == other.start_s


@pytest.mark.parametrize("chart", [[], [[2, 0, 0, ""]], [[0, 2, 0, ""]]])
def test_a_window_before_the_first_chord_is_refused(chart):
    with pytest.raises(ValueError, match="no chord at bar 0"):
        chords_between(chart, 120.0, 4, 0, 4.0)
