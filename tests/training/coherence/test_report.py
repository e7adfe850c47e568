"""The report: AUC as defined, every variant of every stem, a table that can be read."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.checkpoint import load_codec
from model.grid import SAMPLE_RATE
from training.coherence.network import CoherenceConfig, CoherenceNetwork
from training.coherence.report import auc, judge_songs, role_of
from training.evaluation.coherence import Coherence
from training.evaluation.stretch import stretched
from training.songs import song_folders


def test_auc_is_the_chance_of_a_true_score_above_a_wrong_one():
    assert auc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert auc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 0.0
    assert auc(np.array([0.0, 2.0]), np.array([1.0])) == 0.5
    assert auc(np.array([1.0]), np.array([1.0])) == 0.5
    assert np.isnan(auc(np.array([1.0]), np.array([])))


def test_instrument_classes_have_roles():
    assert [role_of(name) for name in ("drums", "bass", "organ", "guitar", "reed")] == [
        "drums",
        "bass",
        "keys",
        "guitar",
        "other",
    ]


@pytest.mark.parametrize(
    ("speed", "up", "seconds", "hertz"), [(1.25, 0, 1.6, 440), (1, 12, 2, 880)]
)
def test_stretching_keeps_the_pitch_and_transposing_the_length(speed, up, seconds, hertz):
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(2 * SAMPLE_RATE) / SAMPLE_RATE)
    made = stretched(tone.astype(np.float32), speed, up)
    assert len(made) == pytest.approx(seconds * SAMPLE_RATE, abs=2)
    spectrum = np.abs(np.fft.rfft(made))
    assert spectrum.argmax() * SAMPLE_RATE / len(made) == pytest.approx(hertz, rel=0.01)


def test_every_stem_is_judged_in_every_variant(charted_band, codec_weights):
    torch.manual_seed(0)
    coherence = Coherence(CoherenceNetwork(CoherenceConfig(4, 8, 8)))
    folders = song_folders(charted_band, "test")
    judged = list(judge_songs(coherence, load_codec(codec_weights), folders))
    assert sorted(entry.role for entry in judged) == sorted(2 * ["bass", "drums", "keys"])
    for entry in judged:
        assert {"true", "codec", "eighth", "beat", "bar", "other song", "dark"} <= set(
            entry.log_odds
        )
        assert ("up 6" in entry.log_odds) == (entry.role != "drums")
        assert all(value.shape == (3,) for value in entry.log_odds.values())
