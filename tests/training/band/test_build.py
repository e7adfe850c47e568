from __future__ import annotations

import json
import os
from pathlib import Path

import mido
import numpy as np
import pytest
import soundfile

from model.instruments import INSTRUMENTS
from training.band import build_band, command
from training.band.fluidsynth import SAMPLE_RATE
from training.band.render import UNFINISHED
from training.band.song import song_folder, split_of
from training.errors import TrainingError


@pytest.fixture(scope="module")
def band(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two songs, written by one process."""
    out = tmp_path_factory.mktemp("band")
    build_band(out, songs=2, seed=5, workers=1, progress=False)
    return out


def _files(out: Path) -> dict[str, bytes]:
    return {
        str(path.relative_to(out)): path.read_bytes() for path in out.rglob("*") if path.is_file()
    }


def test_one_song_in_twenty_is_held_out_for_each_purpose() -> None:
    splits = [split_of(index) for index in range(40)]
    assert [i for i, split in enumerate(splits) if split == "valid"] == [0, 20]
    assert [i for i, split in enumerate(splits) if split == "test"] == [10, 30]
    assert splits.count("train") == 36


def test_a_song_lies_in_its_split_under_its_index(band: Path) -> None:
    assert sorted(path.name for path in band.iterdir()) == ["train", "valid"]
    assert (band / "valid" / "00000" / "meta.json").exists()
    assert (band / "train" / "00001" / "song.mid").exists()


@pytest.mark.parametrize("index", [0, 1])
def test_stems_are_whole_bars_and_a_tail_and_none_is_silent(band: Path, index: int) -> None:
    folder = song_folder(band, index)
    meta = json.loads((folder / "meta.json").read_text())
    bars_s = meta["bars"] * meta["beats_per_bar"] * 60 / meta["tempo"]
    assert meta["samples"] == round((bars_s + 1) * SAMPLE_RATE)
    assert sorted(meta["stems"]) == sorted(path.name for path in folder.glob("*.flac"))
    mix = np.zeros(meta["samples"])
    for name, stem in meta["stems"].items():
        audio, rate = soundfile.read(folder / name)
        assert (rate, audio.shape) == (SAMPLE_RATE, mix.shape)
        assert stem["instrument"] in INSTRUMENTS
        assert np.sqrt(np.mean(audio**2)) > 1e-3
        mix += audio
    assert 0.1 < np.abs(mix).max() < 0.95


@pytest.mark.parametrize("index", [0, 1])
def test_the_sound_follows_the_chart(band: Path, index: int) -> None:
    """Chroma of bass and accompaniment fits the chords better than any transposition."""
    folder = song_folder(band, index)
    meta = json.loads((folder / "meta.json").read_text())
    pitched = [name for name in meta["stems"] if name != "drums.flac"]
    audio = np.sum([soundfile.read(folder / name)[0] for name in pitched], axis=0)
    beat = 60 / meta["tempo"] * SAMPLE_RATE
    fits = np.zeros(12)
    for bar, at, root, quality in meta["chords"]:
        start = round((4 * bar + at) * beat)
        spectrum = np.abs(np.fft.rfft(audio[start : start + round(2 * beat)], 65536))
        frequency = np.fft.rfftfreq(65536, 1 / SAMPLE_RATE)
        band_pass = (frequency > 80) & (frequency < 2000)
        classes = np.round(12 * np.log2(frequency[band_pass] / 440) + 69).astype(int) % 12
        chroma = np.bincount(classes, spectrum[band_pass], 12)
        third = 3 if quality.startswith(("m", "dim")) else 5 if "sus" in quality else 4
        for shift in range(12):
            fits[shift] += chroma[[(root + shift + x) % 12 for x in (0, third, 7)]].sum()
    assert fits.argmax() == 0


def test_the_midi_file_has_the_tempo_and_a_track_for_each_stem(band: Path) -> None:
    folder = song_folder(band, 1)
    meta = json.loads((folder / "meta.json").read_text())
    midi = mido.MidiFile(folder / "song.mid")
    tempo = next(message.tempo for message in midi.tracks[0] if message.type == "set_tempo")
    assert mido.tempo2bpm(tempo) == pytest.approx(meta["tempo"], abs=1e-3)
    names = {track.name for track in midi.tracks[1:]}
    assert {stem["part"] for stem in meta["stems"].values()} <= names


def test_two_workers_write_the_same_bytes_as_one(band: Path, tmp_path: Path) -> None:
    build_band(tmp_path, songs=2, seed=5, workers=2, progress=False)
    assert _files(tmp_path) == _files(band)


def test_a_run_goes_on_where_the_last_one_stopped(band: Path, tmp_path: Path) -> None:
    (tmp_path / "valid").mkdir()
    (tmp_path / "train").mkdir()
    kept = tmp_path / "valid" / "00000"
    kept.mkdir()
    (kept / "meta.json").write_text('{"seed": 5}')
    half = tmp_path / UNFINISHED / "00001"
    half.mkdir(parents=True)
    (half / "stale.flac").write_bytes(b"half")
    build_band(tmp_path, songs=2, seed=5, workers=1, progress=False)
    assert [path.name for path in kept.iterdir()] == ["meta.json"]
    written = song_folder(tmp_path, 1)
    assert _files(written) == _files(song_folder(band, 1))
    assert not (tmp_path / UNFINISHED).exists()


def test_a_folder_with_songs_of_another_seed_is_refused(band: Path) -> None:
    with pytest.raises(TrainingError, match="holds songs of seed 5"):
        build_band(band, songs=3, seed=6, workers=1, progress=False)


@pytest.mark.parametrize(
    ("songs", "seed", "workers", "name"),
    [(0, 1, 1, "songs"), (1, -1, 1, "seed"), (1, 1, 0, "work")],
)
def test_a_number_out_of_range_is_named(
    tmp_path: Path, songs: int, seed: int, workers: int, name: str
) -> None:
    with pytest.raises(TrainingError, match=name):
        build_band(tmp_path, songs, seed, workers, progress=False)


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.write_text("")
    with pytest.raises(TrainingError, match="file"):
        build_band(file / "band", 1, 1, 1, progress=False)


def test_the_command_uses_every_core_unless_told(monkeypatch: pytest.MonkeyPatch) -> None:
    calls = []
    monkeypatch.setattr(command, "build_band", lambda *arguments, **_: calls.append(arguments))
    command.band(Path("x"), 3, 4)
    command.band(Path("x"), 3, 4, 2)
    assert calls == [(Path("x"), 3, 4, os.cpu_count()), (Path("x"), 3, 4, 2)]
