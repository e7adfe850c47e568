"""Many channels as the one that is listened to.

It is their mean. Where hardly anything is left of that, because channels cancel each other or most
of them are empty, those that are the loudest one turned upside down are turned round, and the sum
is brought to the loudest one's level. The same channels always give the same; live input, of two
channels, goes by the same rule as it comes in (`companion.audio.callback`).
"""

from __future__ import annotations

import numpy as np

from companion.audio.memory import Samples

LEAST_SHARE = 0.2
"""Below this share of the loudest channel's level (RMS), 14 dB, the mean is hardly anything."""
REVERSED = -0.5
"""Correlation with the loudest channel below which one is that turned upside down."""


def mixed_down(channels: Samples) -> Samples:
    """Finite float32 [samples, channels] as float32 [samples]."""
    mean = channels.mean(axis=1, dtype=np.float32)
    if not len(channels):
        return mean
    levels = np.array([_rms(channel) for channel in channels.T])
    loudest = int(levels.argmax())
    if _rms(mean) >= LEAST_SHARE * levels[loudest]:
        return mean
    with_loudest = channels.T.astype(np.float64) @ channels[:, loudest] / len(channels)
    correlation = with_loudest / np.maximum(levels * levels[loudest], np.finfo(np.float64).tiny)
    total = channels @ np.where(correlation < REVERSED, -1.0, 1.0)
    if _rms(total) < LEAST_SHARE * levels[loudest]:  # three or more that cancel
        total = channels[:, loudest].astype(np.float64)
    return (total * (levels[loudest] / _rms(total))).astype(np.float32)


def _rms(samples: np.ndarray) -> float:
    return float(np.sqrt(np.mean(np.square(samples, dtype=np.float64))))
