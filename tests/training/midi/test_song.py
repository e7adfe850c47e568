"""Variations differ and stay in their range; a song is in one split, whatever it is called."""

from __future__ import annotations

import pickle
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.training.midi.conftest import midi_bytes, trio
from training.midi.sheet import Unfit, read_sheet
from training.midi.song import (
    TEMPO_SPREAD,
    TRANSPOSED,
    MidiSong,
    choose_song,
    distinct,
    draw_piece,
    song_folder,
)

SONG = choose_song("song", read_sheet(midi_bytes(trio(75))))


@given(seed=st.integers(0, 99), variation=st.integers(0, 99))
def test_a_variation_is_in_its_range_and_its_pieces_do_not_overlap(seed, variation):
    pieces = [draw_piece(SONG, seed, variation, number) for number in range(SONG.stretch.pieces)]
    assert len(pieces) == 2
    for piece in pieces:
        assert piece.bars == SONG.stretch.piece_bars == 37
        assert abs(piece.tempo / 120 - 1) <= TEMPO_SPREAD + 1e-4
        assert TRANSPOSED[0] <= piece.transposed <= TRANSPOSED[1]
        assert piece.first_beat % 4 == 0
        assert 0 <= piece.first_beat <= 4 * (75 - piece.bars)
        assert (piece.tempo, piece.transposed) == (pieces[0].tempo, pieces[0].transposed)
    assert pieces[1].first_beat - pieces[0].first_beat == 4 * 37
    assert pieces == [draw_piece(SONG, seed, variation, number) for number in range(2)]


def test_variations_differ():
    drawn = {
        (p.tempo, p.transposed, p.first_beat) for p in (draw_piece(SONG, 1, v, 0) for v in range(8))
    }
    assert len(drawn) == 8


@given(digest=st.integers(0, 2**256 - 1), variation=st.integers(0, 9), piece=st.integers(0, 9))
def test_all_of_a_song_goes_to_the_split_that_its_notes_decide(
    tmp_path_factory, digest, variation, piece
):
    song = replace(SONG, digest=f"{digest:064x}")
    out = tmp_path_factory.getbasetemp()
    folder = song_folder(out, song, variation, piece)
    assert folder.parent == out / song.split
    assert song.split == replace(song, name="another name").split
    assert song.split in ("train", "valid", "test")


def test_the_same_notes_under_another_name_are_the_same_song():
    """Whatever the tempo, the programs and where the first bar is."""
    channels = trio(75, first=8.0)
    channels[2] = (4, channels[2][1])
    again = choose_song("again", read_sheet(midi_bytes(channels, tempos=[(0.0, 100.0)])))
    assert again.digest == SONG.digest
    other = choose_song("other", read_sheet(midi_bytes(trio(75, up=1))))
    assert other.digest != SONG.digest
    assert [song.name for song in distinct([SONG, again, other])] == ["song", "other"]


def test_a_song_can_be_handed_to_another_process():
    assert pickle.loads(pickle.dumps(SONG)) == SONG


def test_two_instruments_are_no_band():
    channels = {channel: part for channel, part in trio(75).items() if channel != 2}
    with pytest.raises(Unfit, match="fewer than 3 instruments"):
        choose_song("duo", read_sheet(midi_bytes(channels)))


def test_splits_are_about_a_tenth_each():
    names = [replace(SONG, digest=f"{n * 7919:064x}").split for n in range(1000)]
    assert 80 <= names.count("valid") <= 120
    assert 80 <= names.count("test") <= 120
    assert isinstance(SONG, MidiSong)
