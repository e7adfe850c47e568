"""The codec beside Opus: same files, same figures."""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from model.checkpoint import load_codec
from model.grid import SAMPLE_RATE
from training.__main__ import main
from training.codec import command
from training.codec.losses import log_mel_distance
from training.codec.noise import roughness
from training.codec.report import (
    OPUS_KBITS,
    Kept,
    Measured,
    Piece,
    fad_floors,
    held_out_stems,
    measure,
    names_of,
    notes_by_instrument,
    read_audio,
    recordings_in,
    summed_up,
    through_codec,
    through_opus,
)
from training.errors import TrainingError
from training.evaluation.musicnn import EMBEDDINGS
from training.songs import song_folders


@pytest.fixture(scope="module")
def music_piece() -> np.ndarray:
    time_s = np.arange(40_123) / SAMPLE_RATE
    chord = sum(np.sin(2 * np.pi * pitch * time_s) for pitch in (220.0, 277.2, 1329.6))
    return (0.2 * chord * np.exp(-5 * (time_s % 0.3))).astype(np.float32)


def test_opus_keeps_length_and_place(music_piece):
    decoded = through_opus(music_piece, 32)
    assert decoded.shape == music_piece.shape
    lags = range(-40, 41)
    match = [float(np.dot(np.roll(decoded, lag), music_piece)) for lag in lags]
    assert abs(lags[int(np.argmax(match))]) <= 2


def test_more_bits_are_nearer(music_piece):
    original = torch.from_numpy(music_piece)[None]
    coarse, fine = (
        log_mel_distance(torch.from_numpy(through_opus(music_piece, kbits))[None], original)
        for kbits in (6, 64)
    )
    assert fine < coarse


def test_missing_opus_tools_are_one_line(monkeypatch, music_piece):
    monkeypatch.setenv("PATH", "")
    with pytest.raises(TrainingError, match="opus-tools"):
        through_opus(music_piece, 6)


def test_the_codec_keeps_the_length(codec_weights, music_piece):
    assert through_codec(load_codec(codec_weights), music_piece).shape == music_piece.shape


def test_every_figure_of_a_piece(codec_weights, music_piece):
    found = measure([codec_weights], Piece("chord", "organ", music_piece))
    assert (found.name, found.instrument) == ("chord", "organ")
    assert list(found.kept) == ["codec", *(f"Opus {kbits}" for kbits in OPUS_KBITS)]
    ours, coarse, fine = (found.kept[name] for name in ("codec", "Opus 6", "Opus 16"))
    assert fine.log_mel_db < coarse.log_mel_db < 40 and ours.log_mel_db > 0
    assert 0 <= ours.chroma <= 1 and 1 <= ours.listener < fine.listener <= 5
    assert found.roughness == roughness(music_piece) != ours.roughness
    assert np.isnan(ours.onsets) and np.isnan(ours.early_s)  # no drums


def test_drums_have_onsets_and_no_notes(codec_weights, band):
    stems = held_out_stems(song_folders(band, "test"))
    (drums,) = (piece for piece in stems if piece.instrument == "drums")
    found = measure([codec_weights], drums).kept["Opus 16"]
    assert 0.5 < found.onsets <= 1 and np.isnan(found.notes)
    assert np.isnan(found.early_s)  # the burst before has not died away when the next one comes


def kept(notes: float = np.nan, level_db: float = 0.0, onsets: float = np.nan) -> Kept:
    vectors = {name: np.ones((2, 3), np.float32) for name in EMBEDDINGS}
    return Kept(4.0, notes, level_db, onsets, 0.01, 3.0, 0.9, 7.0, vectors)


def measured(name: str, instrument: str, of_ours: Kept) -> Measured:
    return Measured(name, instrument, 7.5, of_ours.vectors, {"codec": of_ours})


def test_stems_are_summed_up():
    stems = [measured(f"1/{n}", "piano", kept(n / 10, (-1) ** n * n)) for n in range(11)]
    stems += [measured("2/bass", "bass", kept(0.5)), measured("2/drums", "drums", kept(onsets=0.8))]
    figures = summed_up(stems, "codec")
    assert figures["notes"] == pytest.approx(0.5)
    assert figures["notes, lowest tenth"] == pytest.approx(0.11)
    assert figures["notes, bass"] == 0.5 and figures["onsets"] == 0.8
    assert figures["level dB most"] == 10 and figures["level dB median"] == 4
    assert figures["early ms"] == pytest.approx(10)
    assert not any("FAD" in name for name in figures)  # too few vectors
    assert notes_by_instrument(stems, "codec") == {"bass": (0.5, 1), "piano": (0.5, 11)}


def test_fad_needs_enough_vectors():
    rng = np.random.default_rng(0)

    def stem(number: int, shift: float) -> Measured:
        before, after = (
            {name: rng.normal(at, 1, (100, 3)).astype(np.float32) for name in EMBEDDINGS}
            for at in (0.0, shift)
        )
        ours = replace(kept(), vectors=after)
        return Measured(f"{number}/bass", "bass", 7.0, before, {"codec": ours})

    stems = [stem(number, 2.0) for number in range(10)]
    figures = summed_up(stems, "codec")
    assert figures["FAD 1"] == pytest.approx(12, abs=1) == figures["FAD 2"]
    assert fad_floors(stems)["FAD 1"] < 0.1
    assert "FAD 1" not in summed_up(stems[:9], "codec") and not fad_floors(stems[:9])


def test_recordings_name_their_instrument(tmp_path, music_piece):
    for name in ("a.wav", "a.guitar.wav"):
        soundfile.write(tmp_path / name, music_piece, SAMPLE_RATE)
    assert [(p.name, p.instrument) for p in recordings_in(tmp_path)] == [
        ("a.guitar.wav", "guitar"),
        ("a.wav", ""),
    ]


def test_held_out_stems_are_loud_stretches(band, tmp_path):
    pieces = held_out_stems(song_folders(band, "test"), seconds=2.0)
    assert [piece.name for piece in pieces] == ["00010/bass", "00010/drums"]
    assert [piece.instrument for piece in pieces] == ["bass", "drums"]
    for piece in pieces:
        assert piece.audio.shape == (2 * SAMPLE_RATE,)
        assert np.abs(piece.audio).max() == pytest.approx(0.5)
    late = np.zeros(6 * SAMPLE_RATE)
    late[4 * SAMPLE_RATE :] = 0.3
    (tmp_path / "00000").mkdir()
    soundfile.write(tmp_path / "00000" / "late.flac", late, SAMPLE_RATE)
    soundfile.write(tmp_path / "00000" / "silent.flac", 0 * late, SAMPLE_RATE)
    meta = {"tempo": 120.0, "beats_per_bar": 4, "bars": 3}
    organ = {"instrument": "organ", "program": 16, "font": "fluid"}
    meta["stems"] = {f"{name}.flac": organ for name in ("late", "silent")}
    (tmp_path / "00000" / "meta.json").write_text(json.dumps(meta))
    (piece,) = held_out_stems([tmp_path / "00000"], seconds=2.0)
    assert piece.name == "00000/late" and piece.audio.min() == pytest.approx(0.5)


def test_any_file_is_read_as_mono_at_32_khz(tmp_path):
    tone = np.sin(2 * np.pi * 440 * np.arange(44_100) / 44_100)
    soundfile.write(tmp_path / "a.wav", np.stack([tone, tone], 1), 44_100)
    audio = read_audio(tmp_path / "a.wav")
    assert audio.shape == (32_000,) and audio.dtype == np.float32
    expected = np.sin(2 * np.pi * 440 * np.arange(32_000) / 32_000)
    np.testing.assert_allclose(audio[2000:-2000], expected[2000:-2000], atol=5e-3)


def call(monkeypatch, *arguments: object) -> None:
    monkeypatch.setattr(sys, "argv", ["training", "codec-report", *map(str, arguments)])
    main()


def test_the_command_prints_a_table(
    monkeypatch, capsys, tmp_path, band, codec_weights, music_piece
):
    soundfile.write(tmp_path / "piece.wav", music_piece, SAMPLE_RATE)
    arguments = ("--band", band, "--weights", codec_weights, "--recordings", tmp_path)
    monkeypatch.setattr(command, "PICTURED", ("bass", "drums", "harp"))
    drawn = tmp_path / "drawn"
    with pytest.raises(SystemExit) as ended:
        call(
            monkeypatch,
            *arguments,
            *("--songs", 1, "--json", tmp_path / "figures.json", "--pictures", drawn),
        )
    assert not ended.value.code
    printed = capsys.readouterr().out
    for word in (
        "held-out stems, 2",
        f"{tmp_path.name}, 1",
        "Opus 12",
        "notes",
        "onsets",
        "listener",
    ):
        assert word in printed
    figures = json.loads((tmp_path / "figures.json").read_text())
    assert figures["held-out stems"]["00010/drums"]["codec"]["notes"] is None
    assert figures[tmp_path.name]["piece.wav"]["Opus 12"]["log_mel_db"] > 0
    assert {path.name for path in drawn.iterdir()} == {"bass.png", "drums.png"}
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn.iterdir())


def test_codecs_go_by_the_shortest_name_that_tells_them_apart():
    paths = [Path("a/codec.safetensors"), Path("b/codec.safetensors"), Path("b/other.safetensors")]
    assert names_of(paths) == dict(zip((str(paths[0]), str(paths[1]), "other"), paths, strict=True))


def test_a_folder_without_recordings_is_named(monkeypatch, capsys, tmp_path, band, codec_weights):
    arguments = ("--band", band, "--weights", codec_weights, "--recordings", tmp_path)
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, *arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
