"""`python -m training fit`: a table for a folder; what is missing is one line and exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model.grid import SAMPLE_RATE
from training.__main__ import main

CHORDS = {"one": (48, 52, 55), "two": (54, 58, 61)}
TEMPI = {"one": 120.0, "two": 97.0}


@pytest.fixture
def folders(tmp_path, make_clicks, make_notes) -> tuple[Path, Path]:
    """Two recordings, the first with its real stem, and a bass for each."""
    recordings, stems = tmp_path / "recordings", tmp_path / "stems"
    recordings.mkdir()
    stems.mkdir()
    index = []
    for name, chord in CHORDS.items():
        beats = np.arange(0.5, 5.9, 60 / TEMPI[name])
        stem = make_clicks(beats, 6.0) + make_notes(chord, 6.0)
        soundfile.write(recordings / f"{name}.ogg", make_notes(chord, 6.0), SAMPLE_RATE)
        soundfile.write(stems / f"{name}.bass.wav", stem, SAMPLE_RATE)
        index.append({"file": f"{name}.ogg", "stem": None, "bpm": TEMPI[name]})
    soundfile.write(recordings / "one.guitar.ogg", make_notes(CHORDS["one"], 6.0), SAMPLE_RATE)
    index[0]["stem"] = "one.guitar.ogg"
    (recordings / "index.json").write_text(json.dumps(index))
    return recordings, stems


def call(monkeypatch, capsys, *arguments: object) -> tuple[int, str, str]:
    monkeypatch.setattr(sys, "argv", ["training", "fit", *map(str, arguments)])
    with pytest.raises(SystemExit) as ended:
        main()
    printed = capsys.readouterr()
    return int(ended.value.code or 0), printed.out, printed.err


def cells(table: str) -> list[list[str]]:
    rows = [line.replace("┃", "│").split("│")[1:-1] for line in table.splitlines()]
    return [[cell.strip() for cell in row] for row in rows if len(row) == 6]


def test_the_table_sets_the_right_song_beside_another(monkeypatch, capsys, folders):
    code, out, _ = call(monkeypatch, capsys, *folders)
    assert code == 0
    rows = cells(out)
    assert rows[0] == ["recording", "stem", "onsets", "lock 1/16", "lock 1/8", "chroma"]
    named = {(row[0], row[1]): row[2:] for row in rows[1:]}
    assert set(named) == {
        ("one.ogg", "the real stem"),
        ("one.ogg", "bass"),
        ("one.ogg", "bass, made for two.ogg"),
        ("two.ogg", "bass"),
        ("two.ogg", "bass, made for one.ogg"),
        ("mean", "real"),
        ("mean", "bass, right song"),
        ("mean", "bass, another song"),
    }
    for name, other in (("one", "two"), ("two", "one")):
        right = named[f"{name}.ogg", "bass"]
        wrong = named[f"{name}.ogg", f"bass, made for {other}.ogg"]
        assert float(right[1]) > 0.95 and float(right[1]) > float(wrong[1])
        assert float(right[3]) > 0.9 > float(wrong[3])


def test_a_missing_index_is_one_line(monkeypatch, capsys, tmp_path):
    code, _, err = call(monkeypatch, capsys, tmp_path, tmp_path)
    (line,) = err.splitlines()
    assert code == 2
    assert str(tmp_path / "index.json") in line


def test_a_recording_without_a_stem_is_named(monkeypatch, capsys, folders):
    recordings, stems = folders
    (stems / "two.bass.wav").unlink()
    code, _, err = call(monkeypatch, capsys, recordings, stems)
    (line,) = err.splitlines()
    assert code == 2
    assert str(stems / "two") in line
