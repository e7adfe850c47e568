"""The sizes that every codec, network and caller agrees on: 32 kHz, 50 frames/s, 4 x 2048."""

from __future__ import annotations

SAMPLE_RATE = 32_000
"""Sample rate of the model's audio, Hz."""
FRAME_RATE = 50
"""Token frames a second."""
HOP = SAMPLE_RATE // FRAME_RATE
"""Model audio samples in one frame."""
LEVELS = 4
"""Residual quantiser levels, coarse to fine."""
VOCABULARY = 2048
"""Entries in each level's codebook: tokens are 0..2047."""


def frames_of(samples: int, hop: int = HOP) -> int:
    """Frames that hold `samples` samples, the last one perhaps partly."""
    return -(-samples // hop)
