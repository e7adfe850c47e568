"""Band shards: what is written is read back, once; the chart says which chord sounds."""

from __future__ import annotations

import numpy as np
import pytest

from model.checkpoint import load_codec
from model.grid import SAMPLE_RATE
from training.coherence.bands import MEL_HOP
from training.coherence.features import HEARD_S, beat_roots, read_bands, write_bands
from training.errors import TrainingError


@pytest.fixture(scope="module")
def written(charted_band, codec_weights, tmp_path_factory):
    out = tmp_path_factory.mktemp("bands")
    return write_bands(charted_band, "train", out, load_codec(codec_weights))


def test_what_is_written_is_read_back(written):
    songs = read_bands(written)
    assert [song.name for song in songs] == ["00001", "00002"]
    for song, tempo in zip(songs, (118.0, 122.0), strict=True):
        assert song.tempo == tempo
        assert song.instruments == ("bass", "drums", "piano")
        assert song.bars == 8
        assert song.bar_s == pytest.approx(240 / tempo)
        assert song.roots.tolist() == [0] * 16 + [8] * 16
        assert song.stems.mel.shape[-1] == int((8 * song.bar_s + 1) * SAMPLE_RATE / MEL_HOP) + 1


def test_the_first_song_is_heard_through_the_codec_too(written):
    first, second = read_bands(written)
    assert first.coded is not None and second.coded is None
    assert first.coded.semitones.shape == first.stems.semitones.shape
    assert not np.array_equal(first.coded.mel, first.stems.mel)


def test_songs_that_are_there_are_kept(written, charted_band, codec_weights):
    before = {path: path.stat().st_mtime_ns for path in written.iterdir()}
    write_bands(charted_band, "train", written.parent, load_codec(codec_weights))
    assert {path: path.stat().st_mtime_ns for path in written.iterdir()} == before


def test_no_song_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="no bands in"):
        read_bands(tmp_path)


def test_a_minor_chord_counts_as_its_relative_major():
    roots = beat_roots([[0, 0, 0, ""], [0, 2, 9, "m7"], [1, 0, 2, "M7"]], 2, 4)
    assert roots.tolist() == [0, 0, 0, 0, 2, 2, 2, 2]


def test_no_more_of_a_song_is_heard_than_is_learnt_from(make_band_song):
    song = make_band_song(0, 120.0, bars=12)
    assert song.bars == 12
    assert 12 * song.bar_s < HEARD_S
