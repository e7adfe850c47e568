"""What many stems show together: floors of equal size, copies found, libraries kept."""

from __future__ import annotations

import numpy as np
import pytest

from training.errors import TrainingError
from training.evaluation.copying import Library
from training.evaluation.descriptors import BINS
from training.evaluation.populations import (
    copying_figures,
    entropies,
    mean_variety,
    mirdd_figures,
    read_library,
)

RNG = np.random.default_rng(0)


def described(count: int, pitch: int) -> list[dict[str, list[int]]]:
    return [
        {name: [min(bins - 1, pitch + int(RNG.integers(0, 3)))] for name, bins in BINS.items()}
        for _ in range(count)
    ]


def passages(count: int) -> list[np.ndarray]:
    return [RNG.normal(0, 0.125, (4, 64)).astype(np.float32) for _ in range(count)]


def test_mirdd_and_its_floor_have_equally_many_examples():
    true = described(40, 2)
    found = mirdd_figures({"same": described(40, 2), "other": described(40, 9)}, true, 0)
    assert {side["examples"] for side in found.values()} == {20}
    assert found["other"]["mean"] > 3 * found["floor"]["mean"]
    assert found["same"]["mean"] < 3 * found["floor"]["mean"]
    assert mirdd_figures({}, true[:1], 0) == {}


def test_entropy_is_over_all_stems():
    one, other = np.zeros((4, 8), np.int16), np.full((4, 8), 7, np.int16)
    assert entropies([one, one]) == [0.0] * 4
    assert entropies([one, other]) == pytest.approx([1.0] * 4)


def test_takes_that_are_alike_have_no_variety():
    one = np.full((4, 64), 0.125, np.float32)
    assert mean_variety([[one, one, one]]) == pytest.approx(0.0, abs=1e-6)


def test_a_copy_is_found_and_what_is_new_is_not():
    known, new = passages(30), passages(30)
    library = Library([(str(n), p) for n, p in enumerate(known)])
    copied = copying_figures(library, 30, known, passages(100))
    assert copied.copied == 1.0 and copied.ours > copied.held_out and copied.stems == 30
    assert copying_figures(library, 30, new, new).copied < 0.1
    assert copying_figures(library, 30, [np.zeros((2, 64), np.float32)], new) is None


def test_a_library_is_read_once(tmp_path, make_song):
    make_song(tmp_path / "band" / "train" / "00000", 120.0, bars=5)
    library, songs = read_library(tmp_path / "band", tmp_path / "kept", 1)
    (file,) = (tmp_path / "kept").glob("*.safetensors")
    before = file.stat().st_mtime_ns
    again, _ = read_library(tmp_path / "band", tmp_path / "kept", 1)
    assert songs == 1 and file.stat().st_mtime_ns == before
    probe = passages(1)[0]
    assert library.nearest(probe) == again.nearest(probe)


def test_a_band_without_training_songs_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="no songs"):
        read_library(tmp_path, tmp_path / "kept", 1)
