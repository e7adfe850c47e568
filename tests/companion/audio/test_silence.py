from __future__ import annotations

import math

import numpy as np
import pytest

from companion.audio.silence import is_silent, rms_dbfs


def test_level_is_relative_to_a_full_scale_constant() -> None:
    assert rms_dbfs(np.ones(10, np.float32)) == pytest.approx(0.0)
    assert rms_dbfs(np.full(10, 0.1, np.float32)) == pytest.approx(-20.0)
    assert rms_dbfs(np.zeros(10, np.float32)) == -math.inf
    assert rms_dbfs(np.zeros(0, np.float32)) == -math.inf


def test_the_gate_closes_below_minus_60() -> None:
    assert is_silent(np.full(640, 0.00099, np.float32))
    assert not is_silent(np.full(640, 0.00101, np.float32))


def test_what_is_unknown_does_not_count() -> None:
    audio = np.zeros(1000 * 640, np.float32)
    audio[:640] = 0.01
    known = np.zeros(1000, np.bool_)
    assert is_silent(audio, known)
    known[0] = True
    assert not is_silent(audio, known)
    assert is_silent(audio[640:], known[1:])
