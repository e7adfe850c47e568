"""The mel scale: bands as wide as the ear's own."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from model.grid import SAMPLE_RATE


def mel_filters(hertz: Tensor, bands: int) -> Tensor:
    """Triangular filters with unit peak, equally spaced on the mel scale up to 16 kHz.

    Args:
        hertz: [bins], where the bins of a spectrum lie.

    Returns:
        [bins, bands], float32; a band narrower than a bin takes its nearest one: none is empty.
    """
    mel = np.linspace(0.0, 2595 * np.log10(1 + SAMPLE_RATE / 2 / 700), bands + 2)
    edges = 700 * (10 ** (mel / 2595) - 1)
    bins = hertz.double().numpy()[:, None]
    rise = (bins - edges[:-2]) / (edges[1:-1] - edges[:-2])
    fall = (edges[2:] - bins) / (edges[2:] - edges[1:-1])
    matrix = np.maximum(0.0, np.minimum(rise, fall))
    for band in np.flatnonzero(matrix.sum(0) == 0):
        matrix[int(np.abs(bins[:, 0] - edges[band + 1]).argmin()), band] = 1.0
    return torch.tensor(matrix, dtype=torch.float32)
