"""Songs to measure with: bars on the grid, chords that go on, mixes cut where they should be."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import soundfile
from hypothesis import given
from hypothesis import strategies as st

from training.errors import TrainingError
from training.evaluation.held_out import STRAIGHT, SWUNG, BarGrid, read_held_out, read_songs


@given(tempo=st.floats(60, 200), bar=st.integers(0, 200))
def test_bar_lines_do_not_drift(tempo, bar):
    grid = BarGrid(tempo)
    exact = bar * 240 / tempo
    assert grid.start_samples(bar) / 32_000 == pytest.approx(exact, abs=1e-4 + exact * 1e-4)
    assert float(grid.start_frames(bar)) == pytest.approx(50 * exact, rel=1e-4)


def test_songs_are_read_by_name(held_out):
    songs = read_songs(held_out)
    assert [song.name for song in songs] == ["00000", "00001", "00002"]
    assert [song.song.tempo for song in songs] == [120.0, 126.3, 140.0]
    assert songs[0].key == 0 and songs[0].divisions == STRAIGHT
    assert len({song.digest for song in songs}) == 3


def test_a_swung_song_is_held_against_triplets(tmp_path, make_song):
    make_song(tmp_path / "swung", 120.0, bars=2, feel="swing")
    assert read_held_out(tmp_path / "swung").divisions == SWUNG


def test_an_empty_folder_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="no songs"):
        read_songs(tmp_path)


def test_a_chord_that_goes_on_is_in_every_bar(held_out):
    song = replace(read_songs(held_out)[0], chart=((0, 0, 0, ""), (1, 2, 5, ""), (3, 0, 7, "7")))
    assert song.bar_chords(0) == ((0, 0, ""),)
    assert song.bar_chords(1) == ((0, 0, ""), (2, 5, ""))
    assert song.bar_chords(2) == ((0, 5, ""),)
    assert song.bar_chords(3) == ((0, 7, "7"),)


def test_a_mix_is_the_sum_of_its_stems_from_the_bar_line(held_out):
    song = read_songs(held_out)[1]
    at = song.grid.start_samples(2)
    parts = [
        soundfile.read(song.song.folder / name, dtype="float32")[0][at : at + 1000]
        for name in ("bass.flac", "keys.flac")
    ]
    assert np.allclose(song.mix(("bass.flac", "keys.flac"), 2, 1000), sum(parts))


def test_what_lies_outside_of_the_song_is_silence(held_out):
    song = read_songs(held_out)[0]
    before = song.mix(("keys.flac",), 0, 500, offset=-200)
    assert len(before) == 500 and not before[:200].any() and before[201:].any()
    after = song.mix(("keys.flac",), song.song.bars - 1, 3 * 64_000)
    assert not after[64_100:].any()
