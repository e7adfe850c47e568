from __future__ import annotations

import random
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from training.errors import TrainingError
from training.experiments.course import made_song
from training.experiments.excerpts import EVERYTHING, Portion, portion_of, stretch
from training.stemgen.chart import told_chart
from training.stemgen.pairs import draw_window
from training.stemgen.shards import clock_phase

SONGS = [made_song(number, 900) for number in range(12)]


@given(minutes=st.floats(0.05, 0.5), spread=st.sampled_from((1, 2, 3)), seed=st.integers(0, 100))
def test_a_portion_has_its_minutes_from_as_many_more_songs(minutes, spread, seed):
    found = portion_of(SONGS, Portion(minutes, spread), 32, seed)
    frames = minutes * 60 * 50
    assert frames - 33 <= sum(song.frames for song in found) <= frames + 1
    assert len({song.name for song in found}) == len(found)
    assert len(found) >= frames // (900 // spread)
    assert all(32 <= song.frames <= 900 // spread for song in found)


def test_a_smaller_portion_is_part_of_a_larger_one():
    few, many = (portion_of(SONGS, Portion(m, 2), 32, 5) for m in (0.2, 0.5))
    names = [song.name for song in many]
    assert [song.name for song in few] == names[: len(few)]


def test_everything_is_every_song_as_it_is():
    assert portion_of(SONGS, EVERYTHING, 32, 1) == SONGS


def test_more_minutes_than_there_are_is_an_error():
    with pytest.raises(TrainingError, match="valid: 99 minutes, so more songs"):
        portion_of(SONGS, Portion(99.0, 1), 32, 1)


@given(first=st.integers(0, 500), tempo=st.floats(60, 180), lead=st.floats(0, 90))
def test_the_beats_lie_where_they_lay_in_the_song(first, tempo, lead):
    song = replace(SONGS[0], tempo=tempo, lead=lead, chart=None)
    part = stretch(song, first, 200)
    assert part.frames == 200
    starts = [
        at for at in range(first + 1) if np.array_equal(song.stems[..., at : at + 200], part.stems)
    ]
    phases = [clock_phase(tempo, 4, lead + at, 200) for at in starts]
    own = clock_phase(tempo, 4, part.lead, 200)
    assert any(torch.allclose(own, told, atol=1e-3) for told in phases)


@pytest.mark.parametrize("tempo", [120.0, 97.3])
def test_the_chords_sound_where_they_sounded_in_the_song(tempo):
    song = replace(SONGS[1], tempo=tempo)
    bar_frames = 50 * 60 / tempo * 4
    part = stretch(song, 333, 300)
    first = round(int(333 / bar_frames) * bar_frames)
    whole, known = told_chart(song.chart, tempo, 4, first, 300)
    own, own_known = told_chart(part.chart, tempo, 4, 0, 300)
    assert known.all() and own_known.all()
    # A bar line may lie within a frame: a stretch begins on a whole one.
    assert (whole != own).any(1).sum() <= 3


def test_a_stretch_gives_windows_to_learn_from():
    part = stretch(SONGS[2], 250, 200)
    window = draw_window([part], 32, random.Random(1))
    assert window.arrays()["target"].shape == (4, 32)
