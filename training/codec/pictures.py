"""Spectrograms of what codecs make of a sound, beside the sound itself."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from model.grid import SAMPLE_RATE
from training.codec.losses import magnitudes

WINDOW = 2048
TOP_HZ = 8000
FLOOR_DB = -80.0


def draw(title: str, sounds: Mapping[str, np.ndarray], path: Path) -> Path:
    """Write one picture with a spectrogram of each sound [samples], in their order; returns it.

    All have one scale, so that what is too quiet is seen as well.
    """
    figure = Figure(figsize=(4.5 * len(sounds), 4))
    FigureCanvasAgg(figure)
    axes = figure.subplots(1, len(sounds), sharey=True, squeeze=False)
    spectra = {name: _decibels(audio) for name, audio in sounds.items()}
    loudest = max(float(spectrum.max()) for spectrum in spectra.values())
    for plot, (name, audio) in zip(axes[0], sounds.items(), strict=True):
        extent = (0.0, len(audio) / SAMPLE_RATE, 0.0, SAMPLE_RATE / 2000)
        image = plot.imshow(
            spectra[name].T,
            origin="lower",
            aspect="auto",
            extent=extent,
            vmin=loudest + FLOOR_DB,
            vmax=loudest,
            cmap="magma",
        )
        plot.set(xlabel="s", ylim=(0, TOP_HZ / 1000))
        plot.set_title("/".join(Path(name).with_suffix("").parts[-2:]), fontsize="small")
    axes[0][0].set_ylabel("kHz")
    figure.suptitle(title)
    figure.colorbar(image, ax=axes[0], label="dB", pad=0.01)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110, bbox_inches="tight")
    return path


def _decibels(audio: np.ndarray) -> np.ndarray:
    sizes = magnitudes(torch.from_numpy(audio)[None], WINDOW)[0]
    decibels: np.ndarray = 20 * torch.log10(sizes.clamp(min=1e-6)).numpy()
    return decibels
