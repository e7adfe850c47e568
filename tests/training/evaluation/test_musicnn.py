"""The embedding: its windows, its layers against loops written out, its weights when installed."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
import torch

from model.grid import SAMPLE_RATE
from training.errors import TrainingError
from training.evaluation import musicnn as module
from training.evaluation.bundle import read_bundle
from training.evaluation.musicnn import (
    EMBEDDINGS,
    MELS,
    MODELS,
    WIDTH,
    WINDOW,
    Tagger,
    embed,
    log_mel,
)

KERNELS = {
    "conv2d": (7, 72, 1, 2),
    "conv2d_1": (7, 38, 1, 2),
    "conv2d_2": (32, 1, 1, 1),
    "conv2d_3": (16, 1, 1, 1),
    "conv2d_4": (8, 1, 1, 1),
    "conv2d_5": (7, 7, 1, 3),
    "conv2d_6": (7, 3, 1, 3),
    "conv2d_7": (7, 3, 1, 3),
}
NORMS = (1, 2, 2, 1, 1, 1, 3, 3, 3, 2 * 16, 5)
FEATURES = 7 + 3 * 3


def arrays() -> dict[str, np.ndarray]:
    """A network of the same build with few filters."""
    rng = np.random.default_rng(0)
    found = {}
    for name, shape in KERNELS.items():
        found[f"model/{name}/kernel"] = rng.normal(0, 0.2, shape)
        found[f"model/{name}/bias"] = rng.normal(0, 0.2, shape[3])
    for at, size in enumerate(NORMS):
        name = f"model/batch_normalization_{at}" if at else "model/batch_normalization"
        for part in ("moving_mean", "beta"):
            found[f"{name}/{part}"] = rng.normal(0, 0.3, size)
        for part in ("moving_variance", "gamma"):
            found[f"{name}/{part}"] = rng.uniform(0.5, 1.5, size)
    found["model/dense/kernel"] = rng.normal(0, 0.3, (2 * FEATURES, 5))
    found["model/dense/bias"] = rng.normal(0, 0.3, 5)
    return {name: array.astype(np.float32) for name, array in found.items()}


class Written:
    """The same network in plain numpy and TensorFlow's own layout, one window at a time."""

    def __init__(self, weights: dict[str, np.ndarray]) -> None:
        self.w = {name.removeprefix("model/"): value for name, value in weights.items()}

    def norm(self, at: int, x: np.ndarray) -> np.ndarray:
        name = f"batch_normalization_{at}" if at else "batch_normalization"
        mean, variance, gamma, beta = (
            self.w[f"{name}/{p}"] for p in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return gamma * (x - mean) / np.sqrt(variance + 1e-3) + beta

    def conv(self, at: int, x: np.ndarray, before: int, after: int) -> np.ndarray:
        """[time, bands] to [time, filters], the largest over the bands, after ReLU and norm."""
        kernel = self.w[f"conv2d_{at}/kernel" if at else "conv2d/kernel"][:, :, 0]
        bias = self.w[f"conv2d_{at}/bias" if at else "conv2d/bias"]
        x = np.pad(x, ((before, after), (0, 0)))
        height, width = kernel.shape[:2]
        out = []
        for time in range(len(x) - height + 1):
            places = [
                np.tensordot(x[time : time + height, b : b + width], kernel, 2)
                for b in range(x.shape[1] - width + 1)
            ]
            out.append(self.norm(at + 1, np.maximum(0, np.array(places) + bias)).max(0))
        return np.array(out)

    def penultimate(self, frames: np.ndarray) -> np.ndarray:
        heard = self.norm(0, frames)
        bands = [self.conv(0, heard, 3, 3), self.conv(1, heard, 3, 3)]
        bands += [self.conv(2, heard, 15, 16), self.conv(3, heard, 7, 8), self.conv(4, heard, 3, 4)]
        front = np.concatenate(bands, axis=1)
        first = self.conv(5, front, 3, 3)
        second = self.conv(6, first, 3, 3) + first
        third = self.conv(7, second, 3, 3) + second
        features = np.concatenate([front, first, second, third], axis=1)
        pooled = np.stack([features.max(0), features.mean(0)], axis=1).ravel()
        dense = self.norm(9, pooled) @ self.w["dense/kernel"] + self.w["dense/bias"]
        return self.norm(10, np.maximum(0, dense))


def test_the_network_is_what_it_says_loop_by_loop():
    weights = arrays()
    frames = np.random.default_rng(1).uniform(0, 3, (2, 40, MELS)).astype(np.float32)
    found = Tagger(weights).penultimate(torch.from_numpy(frames)).numpy()
    expected = np.stack([Written(weights).penultimate(window) for window in frames])
    assert found == pytest.approx(expected, rel=1e-3, abs=1e-3)


def test_a_spectrum_frame_lasts_16_ms_and_peaks_where_it_sounds(make_notes):
    frames = log_mel(make_notes((69,), 2.0))
    assert frames.shape == (126, MELS)
    assert 10 < int(frames[60].argmax()) < 30, "440 Hz is in the lower third of the bands"
    assert not log_mel(np.zeros(SAMPLE_RATE, np.float32)).any()


@pytest.fixture
def toy_tagger(monkeypatch):
    monkeypatch.setattr(module, "_tagger", lambda model: Tagger(arrays()))


@pytest.mark.parametrize(("duration_s", "windows"), [(2.9, 0), (3.0, 1), (4.5, 2), (10.0, 5)])
def test_windows_of_3_s_begin_each_1_5_s(toy_tagger, make_notes, duration_s, windows):
    found = embed(make_notes((60,), duration_s))
    assert {name: len(vectors) for name, vectors in found.items()} == dict.fromkeys(
        EMBEDDINGS, windows
    )


def test_missing_weights_are_named_with_what_to_install(monkeypatch, make_notes):
    monkeypatch.setattr(module, "find_spec", lambda name: None)
    module._tagger.cache_clear()
    with pytest.raises(TrainingError, match=r"pip install --no-deps musicnn==0\.1\.0"):
        embed(make_notes((60,), 4.0))


@pytest.mark.skipif(find_spec("musicnn") is None, reason=f"pip install --no-deps {module.PACKAGE}")
def test_the_installed_weights_tell_a_piano_from_drums(make_notes, make_clicks):
    """The tags are two layers on; the network knows its own 'drums' from its own 'piano'."""
    tones = np.concatenate([make_notes((p, p + 4, p + 7), 0.5) for p in (60, 65, 67, 60) * 2])
    beat = make_clicks(np.arange(0, 3.9, 0.125), 4.0) + make_clicks(np.arange(0, 3.9, 0.5), 4.0, 1)
    folder = module._weights_folder(MODELS[0])
    read = read_bundle(folder / ".index", folder / ".data-00000-of-00001")
    weights = {name.removeprefix("model/"): array for name, array in read.items()}
    drums, piano = 5, 9  # places of the tags in the order the network was trained with
    scores = []
    for audio in (tones, beat):
        embedding = embed(audio)[EMBEDDINGS[0]]
        assert embedding.shape[1] == WIDTH
        tags = embedding @ weights["dense_1/kernel"] + weights["dense_1/bias"]
        scores.append(tags.mean(0)[drums] - tags.mean(0)[piano])
    assert scores[1] > scores[0] + 1


def test_the_windows_are_as_long_as_the_network_was_trained_on():
    assert pytest.approx(3.0, abs=0.01) == WINDOW * module.HOP / module.RATE
