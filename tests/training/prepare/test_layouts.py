"""Each layout is told from the others, and says which stem is what and what is left out."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.training.prepare.conftest import BAND, make_slakh, slakh_song, write_audio
from training.errors import TrainingError
from training.prepare.layouts import LAYOUTS, find_layout
from training.prepare.musdb import VALID
from training.prepare.tracks import Found, split_of


def read(folder: Path) -> Found:
    return find_layout(folder).read(folder)


def classes(found: Found, song: str) -> dict[str, str]:
    (track,) = [track for track in found.tracks if track.name == song]
    return {stem.name: stem.instrument for stem in track.stems}


@pytest.mark.parametrize("name", [layout.name for layout in LAYOUTS])
def test_a_layout_is_known_by_its_tree(sets, name):
    assert find_layout(sets[name]).name == name
    found = read(sets[name])
    assert {track.split for track in found.tracks} == {"train", "valid"}
    for track in found.tracks:
        assert all(file.is_file() for stem in track.stems for file in stem.files)


def test_slakh_is_mapped_by_its_programs(sets):
    found = read(sets["Slakh2100"])
    assert classes(found, "Track00001") == {"S00": "drums", "S01": "bass", "S02": "piano"}
    (track,) = [track for track in found.tracks if track.split == "valid"]
    assert track.name == "Track01501"
    assert track.stems[1].sound == (33, "S01.nkm")
    assert found.left_out == {
        "its test split is kept to measure with": ["Track01876"],
        "omitted by the redux": ["Track00049"],
        "stems that were not rendered": ["Track00001/S99", "Track01501/S99"],
    }


def test_slakh_as_it_first_came_and_its_small_sister_are_read_too(tmp_path):
    slakh_song(tmp_path / "first" / "train" / "Track00002", BAND)
    assert [track.name for track in read(tmp_path / "first").tracks] == ["Track00002"]
    for song in ("Track00001", "Track00002"):
        slakh_song(tmp_path / "baby" / song, BAND)
        for stem in (tmp_path / "baby" / song / "stems").iterdir():
            stem.rename(stem.with_suffix(".wav"))
    tracks = read(tmp_path / "baby").tracks
    assert [(track.name, track.split) for track in tracks] == [
        ("Track00001", "train"),
        ("Track00002", "valid"),
    ]


@pytest.mark.parametrize(
    "text", ["", "stems: 7", "stems: {S00: {program_num: bass}}", "a: [", "[1]"]
)
def test_metadata_that_tells_no_stems_costs_its_song_only(tmp_path, text):
    make_slakh(tmp_path)
    (tmp_path / "train" / "Track00001" / "metadata.yaml").write_text(text)
    found = read(tmp_path)
    assert [track.name for track in found.tracks] == ["Track01501"]
    assert found.left_out["metadata.yaml tells no stems"] == ["Track00001"]


def test_metadata_is_data_and_no_program(tmp_path):
    make_slakh(tmp_path)
    bomb = "stems: !!python/object/apply:os.mkdir ['made']"
    (tmp_path / "train" / "Track00001" / "metadata.yaml").write_text(bomb)
    assert "metadata.yaml tells no stems" in read(tmp_path).left_out
    with pytest.raises(yaml.YAMLError):
        yaml.safe_load(bomb)
    assert not Path("made").exists()


def test_musdb_keeps_to_the_split_that_everybody_uses(sets):
    found = read(sets["MUSDB18-HQ"])
    assert len(VALID) == 14
    expected = {"drums": "drums", "bass": "bass", "other": "other", "vocals": "other"}
    assert classes(found, "A Band - A Song") == expected
    assert {track.name: track.split for track in found.tracks} == {
        "A Band - A Song": "train",
        "Leaf - Summerghost": "valid",
    }
    assert found.left_out == {"its test split is kept to measure with": ["B - Other"]}


def test_moises_adds_up_the_tracks_of_one_instrument(sets):
    found = read(sets["MoisesDB"])
    assert classes(found, "0000-0") == {
        "bass (bass)": "bass",
        "drums (drums)": "drums",
        "other_keys (organ)": "organ",
        "other_keys (synth pad)": "synth pad",
    }
    assert found.left_out == {
        "tracks in which others are heard (has_bleed)": [
            "0000-0/drums/drums-1.wav",
            "0000-1/drums/drums-1.wav",
        ],
        "click tracks": ["0000-0/other/other-0.wav", "0000-1/other/other-0.wav"],
    }


def test_a_path_in_metadata_does_not_lead_out_of_its_song(tmp_path):
    write_audio(tmp_path / "secret.wav")
    song = tmp_path / "set" / "v" / "0000"
    write_audio(song / "bass" / "b.wav")
    (song / "data.json").write_text(
        '{"stems": [{"stemName": "bass", "tracks": ['
        '{"id": "b", "extension": "wav", "trackType": "bass guitar"}]},'
        '{"stemName": "drums", "tracks": ['
        '{"id": "../../../../secret", "extension": "wav", "trackType": "toms"}]}]}'
    )
    found = read(tmp_path / "set")
    assert found.left_out["tracks that are missing"] == ["0000/drums/secret.wav"]


def test_a_plain_folder_is_mapped_by_what_files_are_called(sets):
    found = read(sets["a folder of stems"])
    assert classes(found, "First") == {"BassDI": "bass", "Lead Gtr": "guitar", "drums": "drums"}
    (track, _) = found.tracks
    drums = next(stem for stem in track.stems if stem.name == "drums")
    assert [file.name for file in drums.files] == ["01_Kick.wav", "02_Snare.wav"]
    assert found.left_out == {
        "files that are the mix": ["First/MIX.wav", "Second/MIX.wav"],
        "files whose name tells no instrument": ["First/take 7.wav", "Second/take 7.wav"],
    }


def test_a_song_with_one_stem_has_no_pair(tmp_path):
    for song in ("a", "b", "c"):
        for name in ("bass", "drums") if song != "b" else ("bass",):
            write_audio(tmp_path / song / f"{name}.wav")
    found = read(tmp_path)
    assert [track.name for track in found.tracks] == ["a", "c"]
    assert found.left_out == {"fewer than two stems": ["b"]}


@pytest.mark.parametrize("count", [2, 3, 19, 20, 21, 40, 240])
def test_some_songs_are_kept_to_watch_the_training(count):
    splits = [split_of(number, count) for number in range(count)]
    assert splits.count("valid") == max(1, count // 20)


def test_what_is_no_data_set_is_one_line(tmp_path):
    (tmp_path / "Pictures").mkdir()
    for folder, said in ((tmp_path, "holds no stems"), (tmp_path / "nowhere", "is no folder")):
        with pytest.raises(TrainingError, match=said) as error:
            find_layout(folder)
        assert "valid: " in str(error.value) and "\n" not in str(error.value)
