"""What is written is read as a band set; nothing is written twice or into the wrong place."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from model.instruments import INSTRUMENTS
from training.__main__ import make_app
from training.band.fluidsynth import SAMPLE_RATE
from training.band.fonts import FONTS
from training.errors import TrainingError
from training.midi import build_midi_band
from training.midi.build import Survey, survey
from training.midi.command import summary
from training.midi.sources import find_sources
from training.songs import charted_folders, read_song, song_folders


@pytest.fixture(scope="module")
def found(songs_folder) -> Survey:
    return survey(find_sources([songs_folder]))


@pytest.fixture(scope="module")
def midi_set(songs_folder, tmp_path_factory) -> Path:
    """One song, in one variation."""
    out = tmp_path_factory.mktemp("midi-set")
    build_midi_band([songs_folder / "One.mid"], out, 1, 5, 1, progress=False)
    return out


def written(out: Path) -> Path:
    (meta,) = out.glob("*/*/meta.json")
    return meta.parent


def test_what_is_kept_and_why_the_rest_is_not(found):
    assert [song.name for song in found.songs] == ["one", "two"]
    assert found.files == 6
    assert found.kept_minutes == pytest.approx((32 * 2.0 + 32 * 2.4) / 60)
    assert found.dropped == {
        "is not readable as MIDI": ["broken"],
        "has less than 60 s of 4/4 at a steady tempo": ["game-short"],
        "is in 3/4, not in 4/4": ["waltz"],
        "plays the notes of another one": ["the-same"],
    }


def test_the_summary_says_so(found, midi_set):
    lines = summary(found, midi_set)
    assert lines[0].startswith("kept 2 of 6 songs, 2 of ")
    assert "dropped 1, each of which is in 3/4, not in 4/4: waltz" in lines
    assert sum(int(line.split(", ")[1].split()[0]) for line in lines[-3:]) == 1


def test_a_song_is_read_as_one_of_the_band_is(midi_set):
    folder = written(midi_set)
    assert song_folders(midi_set, folder.parent.name) == [folder]
    song = read_song(folder)
    meta = json.loads((folder / "meta.json").read_text())
    assert (song.beats_per_bar, song.bars) == (4, 32)
    assert song.stems == {"bass.flac": "bass", "drums.flac": "drums", "keys.flac": "piano"}
    assert meta["samples"] == round((32 * 240 / song.tempo + 1) * SAMPLE_RATE)
    assert {stem["font"] for stem in meta["stems"].values()} <= set(FONTS)
    assert set(song.stems.values()) <= set(INSTRUMENTS)
    for name in song.stems:
        audio, rate = soundfile.read(folder / name, dtype="float32")
        assert (rate, audio.shape) == (SAMPLE_RATE, (meta["samples"],))
        assert np.sqrt(np.mean(audio**2)) > 1e-3 and np.abs(audio).max() <= 0.9


def test_the_sound_lies_on_the_bars_and_has_the_pitch_that_was_drawn(midi_set):
    folder = written(midi_set)
    meta = json.loads((folder / "meta.json").read_text())
    bass, _ = soundfile.read(folder / "bass.flac")
    beat = 60 / meta["tempo"] * SAMPLE_RATE
    for number in (0, 1, 40, 41, 127):
        start = round(number * beat)
        spectrum = np.abs(np.fft.rfft(bass[start + 2000 : start + round(0.9 * beat)], 1 << 17))
        pitch = 40 + 7 * (number % 4 == 0) + meta["source"]["transposed"]
        hertz = 440 * 2 ** ((pitch - 69) / 12)

        def power(at: float, spectrum=spectrum) -> float:
            near = np.arange(1, 6) * at * (1 << 17) / SAMPLE_RATE
            return float(sum(spectrum[round(bin_) - 4 : round(bin_) + 5].max() for bin_ in near))

        assert power(hertz) > 1.3 * power(hertz * 2 ** (1.5 / 12))


def test_the_command_says_what_it_kept_and_what_there_is(songs_folder, midi_set):
    arguments = ["--out", midi_set, "--variations", 1, "--seed", 5, "--workers", 1]
    words = ["midi-band", songs_folder / "One.mid", songs_folder / "waltz.mid", *arguments]
    done = CliRunner().invoke(make_app(), list(map(str, words)))
    assert done.exit_code == 0
    assert "kept 1 of 2 songs, 1 of " in done.output
    assert "in 3/4, not in 4/4: waltz" in done.output
    assert "1 songs, 1 pieces, 0.02 hours" in done.output


def test_nobody_knows_its_chords(midi_set):
    folder = written(midi_set)
    assert read_song(folder).chart is None
    with pytest.raises(TrainingError, match="has a chord chart"):
        charted_folders(midi_set, folder.parent.name)


def test_a_second_run_writes_the_same_bytes_and_a_third_nothing(songs_folder, midi_set, tmp_path):
    first = written(midi_set)
    build_midi_band([songs_folder / "One.mid"], tmp_path, 1, 5, 1, progress=False)
    again = written(tmp_path)
    assert again.relative_to(tmp_path) == first.relative_to(midi_set)
    for file in first.iterdir():
        assert (again / file.name).read_bytes() == file.read_bytes()
    before = {file: file.stat().st_mtime_ns for file in again.iterdir()}
    build_midi_band([songs_folder / "One.mid"], tmp_path, 1, 5, 1, progress=False)
    assert {file: file.stat().st_mtime_ns for file in again.iterdir()} == before


def test_pieces_of_another_seed_and_a_held_out_set_are_refused(songs_folder, midi_set, tmp_path):
    with pytest.raises(TrainingError, match="is of seed 5: give that seed, not 6"):
        build_midi_band([songs_folder / "One.mid"], midi_set, 1, 6, 1, progress=False)
    held_out = tmp_path / "test" / "00000"
    held_out.mkdir(parents=True)
    (held_out / "meta.json").write_text('{"held_out": true}')
    with pytest.raises(TrainingError, match="holds a held-out set"):
        build_midi_band([songs_folder / "One.mid"], tmp_path, 1, 5, 1, progress=False)


def test_a_folder_of_songs_that_cannot_be_used_says_why(songs_folder, tmp_path):
    with pytest.raises(TrainingError, match="none of 1 songs can be used: 1 is in 3/4"):
        build_midi_band([songs_folder / "waltz.mid"], tmp_path, 1, 5, 1, progress=False)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("variations", "seed", "workers", "name"),
    [(0, 1, 1, "variations"), (1, -1, 1, "seed"), (1, 1, 0, "workers")],
)
def test_a_number_out_of_range_is_named(songs_folder, tmp_path, variations, seed, workers, name):
    with pytest.raises(TrainingError, match=f"{name} is"):
        build_midi_band([songs_folder], tmp_path, variations, seed, workers, progress=False)
