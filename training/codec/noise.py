"""Does noise come back rough, as it was, or smooth?"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from model.grid import SAMPLE_RATE

WINDOW = 1024
LOWEST_HZ = 6000.0
"""Above it a drum kit is cymbals and little else."""
SOUNDING = 10 ** (-40 / 20)


def roughness(audio: NDArray[np.float32]) -> float:
    """How much a bin changes from one window to the next, mean absolute dB, above 6 kHz.

    Windows do not overlap, so steady noise has 20 log10(2) = 6.02 dB: the power of a bin has an
    exponential distribution, the logarithm of the ratio of two a logistic one. A held tone has 0.
    What is 40 dB below the loudest window's mean is not looked at.

    Args:
        audio: [samples] at 32 kHz.

    Returns:
        0 where nothing sounds up there.
    """
    count = len(audio) // WINDOW
    windows = audio[: count * WINDOW].reshape(count, WINDOW) * np.hanning(WINDOW)
    first = int(LOWEST_HZ * WINDOW / SAMPLE_RATE)
    power = np.abs(np.fft.rfft(windows, axis=1)[:, first:]) ** 2
    loudness = power.mean(1)
    if not loudness.any():
        return 0.0
    sounds = loudness > SOUNDING**2 * loudness.max()
    pairs = sounds[1:] & sounds[:-1]
    if not pairs.any():
        return 0.0
    level = 10 * np.log10(np.maximum(power, 1e-6 * loudness.max()))
    return float(np.abs(np.diff(level, axis=0))[pairs].mean())
