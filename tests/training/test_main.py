"""The command line: help for every command; what the user can put right is one line, exit 2."""

from __future__ import annotations

import subprocess
import sys

import pytest

from training.__main__ import COMMANDS, main


def call(monkeypatch, *arguments: object) -> int:
    monkeypatch.setattr(sys, "argv", ["training", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    return int(ended.value.code or 0)


def one_error(capsys) -> str:
    """The one line that was printed on standard error."""
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ")
    return line


def test_the_module_can_be_run():
    run = subprocess.run(
        [sys.executable, "-m", "training", "--help"], capture_output=True, text=True, timeout=120
    )
    assert run.returncode == 0
    assert all(command in run.stdout for command in COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(monkeypatch, capsys, command):
    assert call(monkeypatch, command, "--help") == 0
    assert "Usage" in capsys.readouterr().out


def test_a_missing_band_is_one_line_for_codec(monkeypatch, capsys, tmp_path):
    band = tmp_path / "nowhere"
    assert call(monkeypatch, "codec", "--band", band, "--out", tmp_path / "out") == 2
    line = one_error(capsys)
    assert str(band / "train") in line and "python -m training band" in line


def test_a_missing_band_is_one_line_for_stemgen(monkeypatch, capsys, tmp_path, codec_weights):
    band = tmp_path / "nowhere"
    arguments = ("--band", band, "--codec", codec_weights, "--out", tmp_path / "out")
    assert call(monkeypatch, "stemgen", *arguments) == 2
    line = one_error(capsys)
    assert str(band / "train") in line and "python -m training band" in line


def test_a_missing_band_is_one_line_for_the_report(monkeypatch, capsys, tmp_path, codec_weights):
    arguments = ("--band", tmp_path, "--weights", codec_weights)
    assert call(monkeypatch, "codec-report", *arguments) == 2
    assert str(tmp_path / "test") in one_error(capsys)


def test_missing_codec_weights_are_one_line(monkeypatch, capsys, tmp_path, band):
    weights = tmp_path / "none.safetensors"
    arguments = ("--band", band, "--codec", weights, "--out", tmp_path / "out")
    assert call(monkeypatch, "stemgen", *arguments) == 2
    assert str(weights) in one_error(capsys)


def test_an_unknown_device_is_one_line(monkeypatch, capsys, tmp_path, band):
    arguments = ("--band", band, "--out", tmp_path / "out", "--device", "abacus")
    assert call(monkeypatch, "codec", *arguments) == 2
    line = one_error(capsys)
    assert "abacus" in line and "cpu" in line


def test_an_empty_music_folder_is_one_line(monkeypatch, capsys, tmp_path, band):
    music = tmp_path / "music"
    music.mkdir()
    arguments = ("--band", band, "--out", tmp_path / "out", "--music", music)
    assert call(monkeypatch, "codec", *arguments) == 2
    assert str(music) in one_error(capsys)
