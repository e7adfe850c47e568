"""A band set is found by its songs; where there is none the message says how to get one."""

from __future__ import annotations

import json
import shutil

import pytest

from training.errors import TrainingError
from training.songs import charted_folders, read_song, song_folders


def test_songs_of_a_split_are_sorted(band):
    assert [folder.name for folder in song_folders(band, "train")] == ["00001", "00002"]


def test_a_folder_without_meta_is_no_song(tmp_path):
    (tmp_path / "train" / "00001").mkdir(parents=True)
    with pytest.raises(TrainingError, match="train"):
        song_folders(tmp_path, "train")


def test_no_songs_is_an_error_that_names_the_folder_and_the_remedy(tmp_path):
    with pytest.raises(TrainingError) as error:
        song_folders(tmp_path / "nowhere", "valid")
    message = str(error.value)
    assert str(tmp_path / "nowhere" / "valid") in message
    assert "python -m training band" in message
    assert "\n" not in message


def test_a_song_says_its_tempo_and_its_instruments(band):
    song = read_song(band / "train" / "00002")
    assert (song.tempo, song.beats_per_bar, song.bars) == (100.0, 4, 2)
    assert song.stems == {
        "bass.flac": "bass",
        "drums.flac": "drums",
        "keys.flac": "piano",
        "lead.flac": "synth lead",
    }
    assert list(song.stems) == sorted(song.stems)


def test_what_needs_chords_passes_over_the_songs_that_have_none(band, tmp_path):
    shutil.copytree(band / "train", tmp_path / "train")
    with pytest.raises(TrainingError, match=r"no song in .*train has a chord chart; .* band"):
        charted_folders(tmp_path, "train")
    charted, uncharted = song_folders(tmp_path, "train")
    for folder, chords in ((charted, [[0, 0, 5, "m7"]]), (uncharted, None)):
        meta = json.loads((folder / "meta.json").read_text())
        (folder / "meta.json").write_text(json.dumps(meta | {"chords": chords}))
    assert charted_folders(tmp_path, "train") == [charted]
    assert read_song(charted).chart == ((0, 0, 5, "m7"),)
    assert read_song(uncharted).chart is None
