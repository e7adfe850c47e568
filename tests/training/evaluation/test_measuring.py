"""One stem beside its context: right notes, in time, and NaN where there is nothing to judge."""

from __future__ import annotations

import math

import numpy as np
import pytest

from training.band.harmony import Chord
from training.evaluation.chart import TimedChord
from training.evaluation.measuring import MEASURES, Heard
from training.evaluation.notes import find_notes

PITCHED = ("notes in the chord", "chroma with the context's", "key")


@pytest.fixture
def heard(make_clicks, make_notes):
    def heard(chord: tuple[int, ...], shift_s: float = 0.0, drums: bool = False) -> Heard:
        beats = np.arange(0.5, 7.9, 0.25) + shift_s
        stem = make_clicks(beats, 8.0) + (0 if drums else make_notes(chord, 8.0))
        context = make_clicks(np.arange(0.5, 7.9, 0.5), 8.0, seed=1)
        pitched = make_notes((48, 52, 55), 8.0)
        chords = (TimedChord(0.0, 8.0, Chord(0, "")),)
        found = None if drums else find_notes(make_notes(chord, 8.0))
        return Heard(stem, context, pitched, 120.0, 4, chords, 0, found)

    return heard


@pytest.mark.parametrize("label", PITCHED)
def test_right_notes_are_told_from_wrong_ones(heard, label):
    right, wrong = (MEASURES[label](heard(chord)) for chord in ((60, 64, 67), (66, 70, 73)))
    assert right > 0.8 and wrong < right - 0.4


@pytest.mark.parametrize("label", ["grid onsets", "grid onsets, F1", "onsets with the context's"])
def test_a_stem_in_time_is_told_from_one_that_is_not(heard, label):
    right, wrong = (MEASURES[label](heard((60,), shift, drums=True)) for shift in (0.0, 0.06))
    assert right > wrong + 0.3


def test_drums_have_no_notes_to_judge(heard):
    kit = heard((), drums=True)
    assert all(math.isnan(MEASURES[label](kit)) for label in PITCHED)
    assert all(math.isfinite(MEASURES[label](kit)) for label in MEASURES if label not in PITCHED)


def test_a_context_of_drums_has_no_chroma(heard):
    whole = heard((60, 64, 67))
    without = Heard(whole.stem, whole.context, None, 120.0, 4, whole.chords, 0, whole.notes)
    assert math.isnan(MEASURES["chroma with the context's"](without))
    assert MEASURES["notes in the chord"](without) > 0.8
