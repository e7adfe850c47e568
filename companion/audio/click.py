"""The metronome's tick."""

from __future__ import annotations

import numpy as np

from companion.audio.memory import Samples

TICK_S = 0.030
DECAY_S = 0.006
BEAT_HZ, ACCENT_HZ = 1000.0, 1500.0
BEAT_PEAK, ACCENT_PEAK = 0.3, 0.5


def tick(rate: int, accent: bool = False) -> Samples:
    """One tick, mono float32 [0.03 * rate]; higher and louder with ``accent``.

    Its first sample is its loudest, so the beat is on that sample and can be found in a recording.
    """
    time_s = np.arange(round(TICK_S * rate)) / rate
    pitch_hz, peak = (ACCENT_HZ, ACCENT_PEAK) if accent else (BEAT_HZ, BEAT_PEAK)
    # The last factor takes the end to zero; a decay alone would leave a small step there.
    envelope = peak * np.exp(-time_s / DECAY_S) * (1 - time_s / TICK_S)
    return (envelope * np.cos(2 * np.pi * pitch_hz * time_s)).astype(np.float32)
