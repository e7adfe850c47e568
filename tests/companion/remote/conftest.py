from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from model.request import StemRequest

MakeRequest = Callable[..., StemRequest]


@pytest.fixture
def make_request() -> MakeRequest:
    """Requests for 120 frames, 60 of them prefix, over noise; fields by name."""

    def make(**changes: Any) -> StemRequest:
        frames, prefix = changes.pop("frames", 120), changes.pop("prefix_frames", 60)
        dice = np.random.default_rng(changes.pop("music", 0))
        bars = 2 * np.pi * np.arange(frames)[:, None] / 100 * np.array([4.0, 4.0, 1.0, 1.0])
        fields: dict[str, Any] = {
            "context": (0.1 * dice.standard_normal(frames * 640)).astype(np.float32),
            "context_known": np.ones(frames, np.bool_),
            "phase": np.where([True, False] * 2, np.sin(bars), np.cos(bars)).astype(np.float32),
            "prefix": np.zeros((4, prefix), np.int16),
            "frames": frames,
            "instrument": 4,
            "guidance": {"audio": 2.0, "instrument": 1.5, "clock": 1.0},
            "seed": 7,
        }
        return StemRequest(**(fields | changes))

    return make
