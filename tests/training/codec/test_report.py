"""The codec beside Opus: same files, same figure."""

from __future__ import annotations

import sys

import numpy as np
import pytest
import soundfile
import torch

from model.checkpoint import load_codec
from model.grid import SAMPLE_RATE
from training.__main__ import main
from training.codec.losses import log_mel_distance
from training.codec.noise import roughness
from training.codec.report import (
    OPUS_KBITS,
    held_out_stems,
    measure,
    read_audio,
    through_codec,
    through_opus,
)
from training.errors import TrainingError
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


def test_every_figure_of_a_file(codec_weights, music_piece):
    figures = measure(load_codec(codec_weights), "chord", music_piece)
    assert figures.name == "chord" and figures.ours > 0
    assert set(figures.opus) == set(OPUS_KBITS)
    assert figures.opus[12] < figures.opus[6] < 40
    assert 0 <= figures.chroma <= 1
    assert figures.roughness[0] == roughness(music_piece) != figures.roughness[1]


def test_held_out_stems_are_loud_stretches(band, tmp_path):
    pieces = held_out_stems(song_folders(band, "test"), seconds=2.0)
    assert [name for name, _ in pieces] == ["00010/bass", "00010/drums"]
    for _, audio in pieces:
        assert audio.shape == (2 * SAMPLE_RATE,)
        assert np.abs(audio).max() == pytest.approx(0.5)
    late = np.zeros(6 * SAMPLE_RATE)
    late[4 * SAMPLE_RATE :] = 0.3
    (tmp_path / "00000").mkdir()
    soundfile.write(tmp_path / "00000" / "late.flac", late, SAMPLE_RATE)
    soundfile.write(tmp_path / "00000" / "silent.flac", 0 * late, SAMPLE_RATE)
    ((name, audio),) = held_out_stems([tmp_path / "00000"], seconds=2.0)
    assert name == "00000/late" and audio.min() == pytest.approx(0.5)


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
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, *arguments, "--songs", 1)
    assert not ended.value.code
    printed = capsys.readouterr().out
    assert "mean of held-out stems" in printed
    assert "drums among them" in printed
    assert "piece.wav" in printed
    assert "Opus 12" in printed and "chroma" in printed and "roughness" in printed


def test_a_folder_without_recordings_is_named(monkeypatch, capsys, tmp_path, band, codec_weights):
    arguments = ("--band", band, "--weights", codec_weights, "--recordings", tmp_path)
    with pytest.raises(SystemExit) as ended:
        call(monkeypatch, *arguments)
    assert ended.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert str(tmp_path) in line
