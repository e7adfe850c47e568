"""The chord that the network is told of a frame is the chart's."""

from __future__ import annotations

import numpy as np
import pytest

from training.band.harmony import QUALITIES
from training.stemgen.chart import told_chart, told_chord


def test_a_chord_is_its_pitch_classes_and_its_bass():
    told = told_chord(9, "m7")
    assert np.flatnonzero(told).tolist() == [0, 4, 7, 9, 12 + 9]


@pytest.mark.parametrize("quality", QUALITIES)
def test_every_quality_turns_with_its_root(quality):
    c = told_chord(0, quality)
    for root in range(12):
        turned = told_chord(root, quality)
        assert (turned[:12] == np.roll(c[:12], root)).all()
        assert np.flatnonzero(turned[12:]).tolist() == [root]


def test_chords_change_on_their_beats():
    chart = ((0, 0, 0, ""), (0, 2, 5, ""), (1, 0, 7, "7"))
    chords, known = told_chart(chart, 120.0, 4, 0, 150)  # a beat is 25 frames
    assert known.all()
    bass = chords[:, 12:].argmax(1)
    assert (bass[:50] == 0).all() and (bass[50:100] == 5).all() and (bass[100:] == 7).all()
    later, _ = told_chart(chart, 120.0, 4, 40, 20)
    assert (later == chords[40:60]).all()


def test_before_the_first_chord_none_is_known():
    chords, known = told_chart(((1, 0, 0, ""),), 120.0, 4, 0, 150)
    assert not known[:100].any() and known[100:].all()
    assert not chords[:100].any()
