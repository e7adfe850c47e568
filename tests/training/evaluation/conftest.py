"""Sounds whose onsets and pitches are known."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np
import pytest

from model.grid import SAMPLE_RATE


def clicks(times_s: Iterable[float], duration_s: float, seed: int = 0) -> np.ndarray:
    """Short decaying bursts of noise at the times given: float32 [samples]."""
    rng = np.random.default_rng(seed)
    audio = np.zeros(round(duration_s * SAMPLE_RATE), np.float32)
    burst_s = np.arange(round(0.04 * SAMPLE_RATE)) / SAMPLE_RATE
    for time_s in times_s:
        first = round(time_s * SAMPLE_RATE)
        burst = 0.5 * rng.standard_normal(len(burst_s)) * np.exp(-100 * burst_s)
        part = audio[first : first + len(burst)]
        part += burst[: len(part)].astype(np.float32)
    return audio


def notes(pitches: Iterable[int], duration_s: float = 2.0) -> np.ndarray:
    """MIDI pitches sounding together, with a few harmonics: float32 [samples]."""
    time_s = np.arange(round(duration_s * SAMPLE_RATE)) / SAMPLE_RATE
    audio = np.zeros(len(time_s))
    for pitch in pitches:
        hertz = 440 * 2 ** ((pitch - 69) / 12)
        audio += sum(np.sin(2 * np.pi * h * hertz * time_s) / h**2 for h in (1, 2))
    return (0.1 * audio).astype(np.float32)


@pytest.fixture(scope="session")
def make_clicks() -> Callable[..., np.ndarray]:
    return clicks


@pytest.fixture(scope="session")
def make_notes() -> Callable[..., np.ndarray]:
    return notes
