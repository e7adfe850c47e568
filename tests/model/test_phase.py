"""Phases made from magnitudes alone give the sound back."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from model.phase import analyse, audio_of, synthesise

SIZE, HOP = 2048, 320


def note(frequency_hz: float, seconds: float = 1.0) -> np.ndarray:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return (0.3 * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def peak_hz(audio: np.ndarray) -> float:
    spectrum = np.abs(np.fft.rfft(audio * np.hanning(len(audio)), 8 * len(audio)))
    return float(spectrum.argmax() * SAMPLE_RATE / (8 * len(audio)))


@pytest.mark.parametrize(("size", "hop"), [(2048, 320), (2048, 640), (1024, 160)])
def test_synthesis_inverts_analysis(size, hop):
    audio = np.random.default_rng(0).standard_normal(20 * 640).astype(np.float32)
    back = synthesise(analyse(audio, size, hop), size, hop)
    inner = slice(size, -size)
    np.testing.assert_allclose(back[inner], audio[inner], atol=1e-5)


@given(frequency_hz=st.floats(41.0, 4000.0))
@settings(max_examples=25, deadline=None)
def test_a_note_keeps_its_pitch_and_level(frequency_hz):
    audio = note(frequency_hz)
    back = audio_of(np.abs(analyse(audio, SIZE, HOP)).astype(np.float32), SIZE, HOP)
    middle = slice(4000, -4000)
    assert peak_hz(back[middle]) == pytest.approx(frequency_hz, abs=1.5)
    level = np.sqrt((back[middle] ** 2).mean()) / np.sqrt((audio[middle] ** 2).mean())
    assert level == pytest.approx(1.0, abs=0.15)


def test_a_click_stays_where_it_is():
    audio = np.zeros(SAMPLE_RATE, np.float32)
    audio[12_345] = 0.9
    back = audio_of(np.abs(analyse(audio, SIZE, HOP)).astype(np.float32), SIZE, HOP)
    assert abs(int(np.abs(back).argmax()) - 12_345) <= 32


def test_lengths_are_whole_hops_and_silence_is_silent():
    for frames in (1, 2, 7):
        back = audio_of(np.zeros((frames, SIZE // 2 + 1), np.float32), SIZE, HOP)
        assert back.shape == (frames * HOP,) and not np.abs(back).max() > 1e-6


def test_the_same_magnitudes_give_the_same_audio():
    magnitudes = np.random.default_rng(1).random((30, SIZE // 2 + 1)).astype(np.float32)
    np.testing.assert_array_equal(audio_of(magnitudes, SIZE, HOP), audio_of(magnitudes, SIZE, HOP))
    assert np.isfinite(audio_of(magnitudes * 1e4, SIZE, HOP)).all()


@given(frequency_hz=st.floats(60.0, 2000.0), frames=st.integers(12, 60))
@settings(max_examples=20, deadline=None)
def test_what_is_new_goes_on_from_the_lead_without_a_seam(frequency_hz, frames):
    """A note decoded again from its middle on, as in a new plan, stays in step with itself."""
    size, hop = 3072, 640
    time_s = np.arange(80 * hop) / SAMPLE_RATE
    played = (0.3 * np.sin(2 * np.pi * frequency_hz * time_s + 1.0)).astype(np.float32)
    magnitudes = np.abs(analyse(played, size, hop)).astype(np.float32)
    again = audio_of(magnitudes, size, hop, played[: frames * hop])
    join = slice((frames - 4) * hop, frames * hop)
    np.testing.assert_allclose(again[join], played[join], atol=0.03)


def test_a_lead_too_short_to_hear_changes_nothing():
    magnitudes = np.random.default_rng(1).random((30, 1537)).astype(np.float32)
    short = np.ones(2 * 640, np.float32)
    np.testing.assert_array_equal(
        audio_of(magnitudes, 3072, 640, short), audio_of(magnitudes, 3072, 640)
    )
