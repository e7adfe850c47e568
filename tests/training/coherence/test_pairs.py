"""Pairs: true ones on the diagonal, wrong ones at the same tempo, bars on bars, dice by step."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from training.coherence import pairs
from training.coherence.bands import MEL_BANDS, SEMITONES
from training.coherence.pairs import (
    MEL_FRAMES,
    OTHER_CHORD,
    SEMITONE_FRAMES,
    WINDOW_S,
    Kind,
    draw_batch,
)


def tensors(batch):
    return [getattr(batch, name) for name in batch.__slots__]


def test_the_same_step_draws_the_same_batch(band_songs):
    one, again, other = (draw_batch(band_songs, 4, 1, step) for step in (3, 3, 4))
    assert all(map(torch.equal, tensors(one), tensors(again)))
    assert not torch.equal(one.stem_mel, other.stem_mel)


@pytest.mark.parametrize("step", range(6))
def test_every_context_has_one_true_stem_and_two_wrong_ones_of_its_own(band_songs, step):
    batch = draw_batch(band_songs, 4, 1, step)
    assert batch.stem_semitones.shape == (12, SEMITONES, SEMITONE_FRAMES)
    assert batch.context_mel.shape == (4, MEL_BANDS, MEL_FRAMES)
    assert batch.kinds.shape == (4, 12)
    assert torch.equal((batch.kinds == Kind.TRUE).int(), torch.eye(4, 12, dtype=torch.int))
    own = (batch.kinds > Kind.OTHER_SONG).sum(1)
    assert own.tolist() == [2, 2, 2, 2]
    unpitched = ~batch.pitched
    chords = (batch.kinds == Kind.OTHER_BARS) | (batch.kinds == Kind.TRANSPOSED)
    assert not chords[:, unpitched].any()
    assert all(tensor.isfinite().all() for tensor in tensors(batch)[:4])


def test_songs_of_different_tempi_are_stretched_onto_one_grid(make_band_song, monkeypatch):
    # As they are: what a room or a floor of noise adds is not the point here.
    monkeypatch.setattr(pairs, "recolour", lambda semitones, mel, rng: (semitones, mel))
    songs = [make_band_song(0, 100.0), make_band_song(1, 112.0), make_band_song(2, 118.0)]
    batch = draw_batch(songs, 3, 5, 2)
    # The highest band of all parts clicks on the bar lines.
    clicks = [np.flatnonzero(mel[23].numpy() > 1e-4) for mel in batch.context_mel]
    assert len(clicks[0]) > 6
    for other in clicks[1:]:
        nearest = np.abs(clicks[0][:, None] - other[None]).min(1)
        assert nearest.max() <= 2


def test_other_bars_have_other_chords(make_band_song):
    song = make_band_song(0)
    window = pairs._Window(song, 0.0, 1.0, 0)
    rng = np.random.default_rng(0)
    for _ in range(20):
        moved = pairs._other_bars(window, rng)
        assert moved is not None
        bars = (moved.start_s - window.start_s) / song.bar_s
        assert bars == pytest.approx(round(bars))
        first, count = round(moved.start_s * 2), int(WINDOW_S * 2)
        assert (song.roots[:count] != song.roots[first : first + count]).mean() > OTHER_CHORD


def test_a_song_on_one_chord_has_no_other_bars(make_band_song):
    song = make_band_song(0, bars=8)
    song.roots[:] = 3
    assert pairs._other_bars(pairs._Window(song, 0.0, 1.0, 0), np.random.default_rng(0)) is None


@pytest.mark.parametrize("seed", range(20))
def test_off_the_beat_is_an_eighth_of_a_beat_from_every_bar_line_or_more(make_band_song, seed):
    song = make_band_song(0)
    window = pairs._Window(song, 4.0, 1.0, 0)
    moved = pairs._off_beat(window, np.random.default_rng(seed))
    bars = (moved.start_s - window.start_s) / song.bar_s
    assert abs(bars - round(bars)) >= 0.125 / 4 - 1e-9
    assert abs(bars) < 1
