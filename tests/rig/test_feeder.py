"""When a frame was really put out, as a recording knows it."""

from __future__ import annotations

import numpy as np
import pytest

from tests.rig.feeder import Recording

RATE, PERIOD, BLOCKS = 48_000, 256, 1000


def recording(late_s: np.ndarray) -> Recording:
    """Blocks that came so late."""
    at = np.arange(BLOCKS) * PERIOD
    nothing = np.zeros(0)
    return Recording(np.zeros((0, 1)), None, None, nothing, 0, at, at / RATE + late_s)


def test_blocks_that_come_late_now_and_then_move_no_frame() -> None:
    late_s = np.random.default_rng(0).exponential(0.003, BLOCKS)
    late_s[::20] = 0.0
    frames = np.arange(0, BLOCKS * PERIOD, 777)
    assert recording(late_s).real_s(frames, RATE) == pytest.approx(frames / RATE)


def test_a_server_that_stood_still_puts_everything_after_it_out_later() -> None:
    late_s = np.zeros(BLOCKS)
    late_s[400:] += 0.0123
    late_s[::3] += 0.002
    frames = np.array([0, 398 * PERIOD, 402 * PERIOD, 900 * PERIOD])
    real_s = recording(late_s).real_s(frames, RATE)
    assert real_s - frames / RATE == pytest.approx([0, 0, 0.0123, 0.0123])
