"""The learned coherence: hears chords and rhythm, not level; its file is checked when read."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from safetensors.numpy import save_file

from model.grid import SAMPLE_RATE
from training.coherence.network import CoherenceConfig, CoherenceNetwork
from training.errors import TrainingError
from training.evaluation.coherence import (
    COHERENCE_FILE,
    Coherence,
    load_coherence,
    save_coherence,
)


@pytest.fixture(scope="module")
def coherence() -> Coherence:
    return Coherence.load()


@pytest.fixture(scope="module")
def progression(make_notes):
    """Four chords of two seconds, transposed as asked: a function to [samples]."""

    def play(pitches: tuple[int, ...], up: int = 0) -> np.ndarray:
        chords = (0, 5, 9, 7)
        return np.concatenate([make_notes([p + c + up for p in pitches]) for c in chords])

    return play


def test_a_bass_belongs_to_its_chords_and_not_to_others(coherence, progression):
    context = progression((60, 64, 67))
    right = coherence.compare(progression((36,)), context)
    for up in (1, 3, 6):
        wrong = coherence.compare(progression((36,), up), context)
        assert wrong.harmonic < right.harmonic
        assert wrong.both < right.both


def test_a_score_is_a_probability_and_level_does_not_matter(coherence, progression):
    stem, context = progression((36,)), progression((60, 64, 67))
    score = coherence.score(stem, context)
    assert 0 <= score <= 1
    assert coherence.score(0.1 * stem, context) == pytest.approx(score, abs=0.02)


def test_the_longer_sound_is_cut(coherence, progression):
    stem, context = progression((36,)), progression((60, 64, 67))
    longer = np.concatenate([stem, stem])
    assert coherence.compare(longer, context) == coherence.compare(stem, context)


def test_pairs_of_many_are_those_of_one_and_one(coherence, progression):
    stems = np.stack([progression((36,)), progression((43,), 2)])
    contexts = np.stack([progression((60, 64, 67)), progression((60,), 3)])
    every = coherence.log_odds(stems, contexts)
    assert every.shape == (3, 2, 2)
    one = coherence.compare(stems[1], contexts[0])
    assert float(every[2, 0, 1].sigmoid()) == pytest.approx(one.both, abs=1e-4)


def test_silence_has_a_score(coherence, progression):
    stem = progression((36,))
    assert 0 <= coherence.score(np.zeros_like(stem), stem) <= 1
    assert 0 <= coherence.score(stem, np.zeros_like(stem)) <= 1


def test_too_short_a_window_is_an_error(coherence):
    sound = np.zeros(SAMPLE_RATE, np.float32)
    with pytest.raises(ValueError, match=r"1\.00 s in common; valid: at least 2 s"):
        coherence.score(sound, sound)


def test_what_is_saved_is_loaded_as_halves(tmp_path):
    torch.manual_seed(0)
    network = CoherenceNetwork(CoherenceConfig(4, 8, 8))
    save_coherence(tmp_path / "weights.safetensors", network)
    loaded = load_coherence(tmp_path / "weights.safetensors")
    assert loaded.config == network.config and not loaded.training
    for name, value in network.state_dict().items():
        assert torch.equal(loaded.state_dict()[name], value.half().float())


def test_the_bundled_weights_are_small():
    assert COHERENCE_FILE.stat().st_size < 2_000_000


def test_a_file_that_is_no_network_is_an_error(tmp_path):
    with pytest.raises(TrainingError, match="is missing"):
        Coherence.load(tmp_path / "none.safetensors")
    (tmp_path / "text.safetensors").write_text("none")
    with pytest.raises(TrainingError, match="cannot be read"):
        Coherence.load(tmp_path / "text.safetensors")
    save_file({"x": np.zeros(1)}, tmp_path / "other.safetensors")
    with pytest.raises(TrainingError, match="no coherence network"):
        Coherence.load(tmp_path / "other.safetensors")
    save_file(
        {"x": np.zeros(1)}, tmp_path / "sizes.safetensors", {"kind": "coherence", "config": "{}"}
    )
    with pytest.raises(TrainingError, match="cannot be read"):
        Coherence.load(tmp_path / "sizes.safetensors")
