"""Fingerprints: the same music is alike, another is not, transposition only turns the chroma."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.evaluation.fingerprint import fingerprint, likeness, transposed

BPM = 120.0
BAR_S = 2.0


@pytest.fixture(scope="session")
def riff(make_notes, make_clicks):
    """Two bars: a note a beat, struck with a click on some sixteenths."""

    def play(pitches: tuple[int, ...], sixteenths: tuple[int, ...]) -> np.ndarray:
        tones = np.concatenate([make_notes((p,), 0.5) for p in pitches])
        times = [0.125 * s for s in sixteenths]
        clicks = make_clicks(times, len(tones) / SAMPLE_RATE)
        return np.float32(0.3) * tones + np.float32(0.2) * clicks

    return play


PITCHES = (60, 64, 67, 64, 65, 69, 72, 69)
STRUCK = (1, 4, 6, 8, 12, 16, 17, 20, 22, 24, 28)
OTHERWISE = (2, 4, 7, 8, 12, 16, 18, 20, 23, 24, 28)


def test_a_bar_has_four_chromas_and_sixteen_places(riff):
    prints = fingerprint(riff(PITCHES, STRUCK), BPM)
    assert prints.shape == (2, 64)
    assert np.linalg.norm(prints, axis=1) == pytest.approx([1.0, 1.0], abs=1e-5)
    assert np.flatnonzero(prints[1, 48:]).tolist() == [0, 1, 4, 6, 8, 12]
    assert [int(beat.argmax()) for beat in prints[1, :48].reshape(4, 12)] == [5, 9, 0, 9]


def test_a_bar_that_is_cut_off_is_left_out(riff):
    audio = riff(PITCHES, STRUCK)
    assert len(fingerprint(audio[: round(1.9 * BAR_S * SAMPLE_RATE)], BPM)) == 1
    assert len(fingerprint(audio[:SAMPLE_RATE], BPM)) == 0


def test_the_same_music_is_alike_at_any_level(riff):
    one = fingerprint(riff(PITCHES, STRUCK), BPM)
    other = fingerprint(np.float32(0.1) * riff(PITCHES, STRUCK), BPM)
    assert likeness(one, other) > 0.99


def test_half_is_pitch_and_half_is_rhythm(riff):
    one = fingerprint(riff(PITCHES, STRUCK), BPM)
    tritone = fingerprint(riff(tuple(p + 6 for p in PITCHES), STRUCK), BPM)
    other = fingerprint(riff(PITCHES, OTHERWISE), BPM)
    assert likeness(one, tritone) < 0.55
    # Of five or six onsets a bar two are elsewhere.
    assert likeness(one, other) == pytest.approx(0.5 + 0.5 * 0.63, abs=0.06)


def test_a_transposition_turns_the_chroma(riff):
    one = fingerprint(riff(PITCHES, STRUCK), BPM)
    higher = fingerprint(riff(tuple(p + 5 for p in PITCHES), STRUCK), BPM)
    assert likeness(transposed(one, 5), higher) > 0.9
    assert likeness(one, higher) < 0.6


@given(st.integers(0, 11), st.integers(0, 11))
def test_transpositions_add_up(one, other):
    prints = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    assert np.array_equal(
        transposed(transposed(prints, one), other), transposed(prints, one + other)
    )


def test_silence_is_like_nothing(riff):
    silence = fingerprint(np.zeros(4 * SAMPLE_RATE, np.float32), BPM)
    assert silence.shape == (2, 64) and not silence.any()
    assert likeness(silence, fingerprint(riff(PITCHES, STRUCK), BPM)) == 0.0
    assert math.isnan(likeness(silence[:0], silence))
