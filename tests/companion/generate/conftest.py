from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from companion.clock.grid import Grid
from model.request import StemRequest

MakeRequest = Callable[..., StemRequest]


@pytest.fixture
def make_request() -> MakeRequest:
    """Requests for 200 frames from bar 1 at 120 BPM, 100 of them prefix; fields by name."""

    def make(**changes: Any) -> StemRequest:
        frames = changes.pop("frames", 200)
        transport = Grid(48000, Fraction(120), 0)
        fields: dict[str, Any] = {
            "context": np.full(frames * 640, 0.1, np.float32),
            "context_known": np.ones(frames, np.bool_),
            "phase": transport.phase(100, frames),
            "prefix": np.zeros((4, frames // 2), np.int16),
            "frames": frames,
            "instrument": 4,
            "guidance": {"audio": 2.0, "instrument": 1.5, "clock": 1.0},
            "seed": 7,
        }
        return StemRequest(**(fields | changes))

    return make
