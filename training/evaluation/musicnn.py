"""What a music tagger hears in a stem: the embedding that FAD is measured in.

musicnn (Pons and Serra, ISMIR 2019, late-breaking), ISC licence, rebuilt here. Its weights lie in
its Python package; none of the package's code runs, and it needs none of the package's
requirements.
"""

from __future__ import annotations

from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from model.grid import SAMPLE_RATE
from training.errors import TrainingError
from training.evaluation.bundle import read_bundle
from training.evaluation.fit import Audio

PACKAGE = "musicnn==0.1.0"
MODELS = ("MTT_musicnn", "MSD_musicnn")
"""Networks of one build, trained on other songs and tags: MagnaTagATune's, the Million Song
Dataset's. What both find far apart is not a whim of one."""
EMBEDDINGS = tuple(f"musicnn {model} penultimate" for model in MODELS)
"""What a figure in each embedding has to be called by."""
FADS = {f"FAD {number}": name for number, name in enumerate(EMBEDDINGS, 1)}
"""The embedding of each Frechet distance, by the distance's short name."""
WIDTH = 200
RATE = 16_000
FFT, HOP, MELS = 512, 256, 96
WINDOW = 187
"""Spectrum frames that the network hears at once: 3 s."""
STEP = WINDOW // 2
BATCH_NORM_EPSILON = 1e-3

Embeddings = NDArray[np.float32]


def embed(stem: Audio) -> dict[str, Embeddings]:
    """A stem [samples] at 32 kHz in each of EMBEDDINGS, windows of 3 s each 1.5 s: [windows, 200].

    A stem shorter than a window has none.

    Raises:
        TrainingError: the weights are not installed.
    """
    frames = log_mel(stem)
    starts = range(0, len(frames) - WINDOW + 1, STEP)
    if not starts:
        return {name: np.zeros((0, WIDTH), np.float32) for name in EMBEDDINGS}
    windows = torch.from_numpy(np.stack([frames[at : at + WINDOW] for at in starts]))
    return {
        name: _tagger(model).penultimate(windows).numpy()
        for name, model in zip(EMBEDDINGS, MODELS, strict=True)
    }


def log_mel(stem: Audio) -> NDArray[np.float32]:
    """What the network hears of a stem [samples] at 32 kHz: [frames, 96], a frame each 16 ms."""
    from librosa.feature import melspectrogram  # here, as `rhythm.tracked_beats` says

    heard = soxr.resample(stem, SAMPLE_RATE, RATE)
    mel = melspectrogram(y=heard, sr=RATE, n_fft=FFT, hop_length=HOP, n_mels=MELS).T
    # Half precision, and the logarithm after it, is what the network was trained with.
    return np.log10(10_000 * mel.astype(np.float16).astype(np.float32) + 1)


class Tagger:
    """The network: two shapes of filters, three dense convolutions, pooling over time."""

    def __init__(self, arrays: dict[str, NDArray[np.float32]]) -> None:
        """Take the arrays of a checkpoint by name, in TensorFlow's layout [...]."""
        self._arrays = {
            name.removeprefix("model/"): torch.from_numpy(array.copy())
            for name, array in arrays.items()
        }

    @torch.no_grad()
    def penultimate(self, frames: Tensor) -> Tensor:
        """The layer before the tags, for spectra [windows, 187, 96]: [windows, 200]."""
        heard = self._norm(0, frames[:, None])
        # Timbre: filters of 7 frames and most of the spectrum, anywhere in it.
        padded = functional.pad(heard, (0, 0, 3, 3))
        bands = [self._convolved(at, padded).amax(3) for at in (0, 1)]
        # Rhythm: filters of one band and many frames; what "same" pads is the smaller half first.
        for at in (2, 3, 4):
            spare = self._arrays[f"conv2d_{at}/kernel"].shape[0] - 1
            padded = functional.pad(heard, (0, 0, spare // 2, spare - spare // 2))
            bands.append(self._convolved(at, padded).amax(3))
        front = torch.cat(bands, 1).transpose(1, 2)
        first = self._mixed(5, front)
        second = self._mixed(6, first) + first
        third = self._mixed(7, second) + second
        features = torch.cat([front, first, second, third], 2)
        # Maximum and mean of a feature stand side by side: f0 max, f0 mean, f1 max, ...
        pooled = self._norm(9, torch.stack([features.amax(1), features.mean(1)], 2).flatten(1))
        dense = pooled @ self._arrays["dense/kernel"] + self._arrays["dense/bias"]
        return self._norm(10, functional.relu(dense))

    def _mixed(self, at: int, features: Tensor) -> Tensor:
        """One convolution over 7 frames of all features [windows, 187, n]: [windows, 187, 64]."""
        padded = functional.pad(features[:, None], (0, 0, 3, 3))
        return self._convolved(at, padded).squeeze(3).transpose(1, 2)

    def _convolved(self, at: int, sound: Tensor) -> Tensor:
        name = f"conv2d_{at}" if at else "conv2d"
        kernel = self._arrays[f"{name}/kernel"].permute(3, 2, 0, 1)
        filtered = functional.conv2d(sound, kernel, self._arrays[f"{name}/bias"])
        return self._norm(at + 1, functional.relu(filtered))

    def _norm(self, at: int, sound: Tensor) -> Tensor:
        name = f"batch_normalization_{at}" if at else "batch_normalization"
        shape = [1, -1] + [1] * (sound.dim() - 2)
        mean, variance, gain, shift = (
            self._arrays[f"{name}/{part}"].view(shape)
            for part in ("moving_mean", "moving_variance", "gamma", "beta")
        )
        return (sound - mean) / torch.sqrt(variance + BATCH_NORM_EPSILON) * gain + shift


@lru_cache(maxsize=len(MODELS))
def _tagger(model: str) -> Tagger:
    folder = _weights_folder(model)
    return Tagger(read_bundle(folder / ".index", folder / ".data-00000-of-00001"))


def _weights_folder(model: str) -> Path:
    """Where the weights lie in the installed package, which is looked up and not imported."""
    package = find_spec("musicnn")
    for place in (package.submodule_search_locations or ()) if package else ():
        folder = Path(place) / model
        if (folder / ".index").is_file():
            return folder
    raise TrainingError(f"the tagger's weights are not installed: pip install --no-deps {PACKAGE}")
