"""Loops of recorded hits: audible, different, the same for the same seed."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import soundfile

from training.codec.kits import LOOP_S, play_loop, read_kit, write_loops
from training.errors import TrainingError


@pytest.fixture
def kit(tmp_path) -> Path:
    folder = tmp_path / "My Kit"
    folder.mkdir()
    rng = np.random.default_rng(0)
    for name, length in (("kick.wav", 9000), ("snare.aiff", 5000), ("hat.flac", 900)):
        hit = rng.standard_normal((length, 2)) * np.exp(-np.arange(length) / 1500)[:, None]
        soundfile.write(folder / name, 0.1 * hit, 44_100)
    soundfile.write(folder / "silent.wav", np.zeros(1000), 44_100)
    (folder / "drumkit.xml").write_text("<drumkit/>")
    return folder


def test_a_kit_is_its_hits_at_full_level(kit):
    hits = read_kit(kit)
    assert len(hits) == 3, "what is silent and what is no audio is left out"
    assert all(float(np.abs(hit).max()) == pytest.approx(1.0) for hit in hits)


def test_loops_are_of_one_length_and_level_and_differ(kit):
    hits = read_kit(kit)
    loops = [play_loop(hits, random.Random(seed)) for seed in range(8)]
    for loop in loops:
        assert loop.shape == (round(LOOP_S * 32_000),) and loop.dtype == np.float32
        assert bool(np.isfinite(loop).all()) and float(np.abs(loop).max()) < 0.701
    assert sum(float(np.abs(loop).max()) > 0.69 for loop in loops) >= 6, "hardly one is silent"
    assert not np.array_equal(loops[0], loops[1])


def test_the_same_seed_writes_the_same_bytes(kit, tmp_path):
    (first,) = write_loops([kit], tmp_path / "a", 2, 1)
    (second,) = write_loops([kit], tmp_path / "b", 2, 1)
    (other,) = write_loops([kit], tmp_path / "c", 2, 2)
    assert first.name == "My Kit.flac"
    assert first.read_bytes() == second.read_bytes() != other.read_bytes()
    assert soundfile.info(first).duration == pytest.approx(2 * LOOP_S)


def test_a_folder_without_hits_is_one_line(tmp_path):
    with pytest.raises(TrainingError, match=r"no hits in .*\.flac"):
        write_loops([tmp_path], tmp_path / "out", 1, 1)
