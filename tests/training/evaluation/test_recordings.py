"""Real recordings: which bars are played along with, and right songs told from wrong ones."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import soundfile
from safetensors.numpy import save_file

from model.grid import SAMPLE_RATE
from training.errors import TrainingError
from training.evaluation.generation import Store
from training.evaluation.recordings import (
    PARTS,
    RecordingStem,
    measure_recordings,
    read_recordings,
)

TEMPI = {"one": 120.0, "two": 97.0}
CHORDS = {"one": (48, 52, 55), "two": (54, 58, 61)}


def played(name: str, bars: int, make_clicks, make_notes) -> np.ndarray:
    seconds = bars * 240 / TEMPI[name]
    beats = np.arange(60 / TEMPI[name], seconds - 0.1, 60 / TEMPI[name])
    return make_clicks(beats, seconds) + make_notes(CHORDS[name], seconds)


@pytest.fixture
def folder(tmp_path, make_clicks, make_notes) -> Path:
    index = []
    for name, bpm in TEMPI.items():
        audio = played(name, 7, make_clicks, make_notes)
        soundfile.write(tmp_path / f"{name}.wav", audio, SAMPLE_RATE)
        index.append({"file": f"{name}.wav", "stem": None, "bpm": bpm})
    soundfile.write(tmp_path / "short.wav", np.zeros(4 * 64_000), SAMPLE_RATE)
    index.append({"file": "short.wav", "stem": None, "bpm": 120.0})
    index[0]["stem"] = "one.wav"
    (tmp_path / "index.json").write_text(json.dumps(index))
    return tmp_path


def test_whole_bars_behind_the_first_cycle_are_played(folder):
    one, two = read_recordings(folder)  # the third is no longer than a cycle
    assert (one.name, one.bars, two.name, two.bars) == ("one", 7, "two", 7)
    assert (one.stem, two.stem) == (folder / "one.wav", None)
    assert len(one.played(one.file)) == 3 * 64_000


def test_a_missing_index_is_named(tmp_path):
    with pytest.raises(TrainingError, match=r"index\.json is missing"):
        read_recordings(tmp_path)


def test_the_right_song_fits_better(folder, tmp_path, toy_weights, make_clicks, make_notes):
    store = Store(tmp_path / "stems", toy_weights)
    recordings = read_recordings(folder)
    for recording in recordings:
        audio = played(recording.name, 3, make_clicks, make_notes)
        for part in PARTS:
            path = store.path(RecordingStem(recording, part))
            save_file({"tokens": np.zeros((4, 1), np.int16), "audio": audio}, path)
    sides = measure_recordings(store, recordings)
    assert set(sides) == {*PARTS, "the real guitar"}
    for name in ("lock, sixteenths", "lock, eighths", "chroma"):
        assert sides["bass"].right[name] > 0.9 > sides["bass"].wrong[name]
    assert "chroma" not in sides["drums"].right
    real = sides["the real guitar"]
    assert (real.recordings, real.wrong) == (1, {}) and real.right["chroma"] > 0.9
