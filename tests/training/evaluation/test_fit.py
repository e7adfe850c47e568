"""The figures of fit mean what they say: onsets on the grid, pitch classes in common."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.evaluation.fit import chroma, chroma_cosine, fit, onset_times, vector_strength

C, D, E, F_SHARP, G = 0, 2, 4, 6, 7
C_MAJOR = (48, 52, 55, 60, 64, 67)


# -- vector strength -----------------------------------------------------------------------------


@given(
    period_s=st.floats(0.05, 1.0),
    offset_s=st.floats(0.0, 1.0),
    steps=st.lists(st.integers(0, 200), min_size=1, max_size=50),
)
def test_times_on_a_grid_have_strength_one_wherever_the_grid_begins(period_s, offset_s, steps):
    times_s = offset_s + period_s * np.array(steps)
    assert vector_strength(times_s, period_s) == pytest.approx(1.0, abs=1e-6)


def test_random_times_have_almost_none():
    times_s = np.random.default_rng(0).uniform(0, 600, 5000)
    assert vector_strength(times_s, 0.125) < 0.05


def test_the_off_beat_cancels_the_beat():
    times_s = np.arange(20) * 0.25
    assert vector_strength(times_s, 0.5) == pytest.approx(0.0, abs=1e-9)
    assert vector_strength(times_s, 0.25) == pytest.approx(1.0)


def test_jitter_costs_what_it_should():
    """Gaussian jitter of standard deviation s gives exp(-2 pi^2 s^2 / p^2)."""
    times_s = np.arange(4000) * 0.2 + np.random.default_rng(0).normal(0, 0.03, 4000)
    expected = np.exp(-2 * np.pi**2 * 0.03**2 / 0.2**2)
    assert vector_strength(times_s, 0.2) == pytest.approx(expected, abs=0.03)


def test_no_times_have_no_strength():
    assert vector_strength(np.zeros(0), 0.5) == 0.0


# -- onsets --------------------------------------------------------------------------------------


@pytest.mark.parametrize("period_s", [0.11, 0.25, 0.5137])
def test_clicks_are_found_within_5_ms(make_clicks, period_s):
    placed = np.arange(0.3, 5.7, period_s)
    found = onset_times(make_clicks(placed, 6.0))
    assert len(found) == len(placed)
    assert np.abs(found - placed).max() < 0.005


def test_notes_are_found_where_they_begin(make_notes):
    """A tone has no noise at its start; half of the analysis window is the most it may be off."""
    audio = np.concatenate([make_notes((p,), 0.4) for p in (60, 64, 67, 62, 65, 69)])
    found = onset_times(audio)
    placed = 0.4 * np.arange(1, 6)
    distance = np.abs(found[:, None] - placed[None]).min(0)
    assert distance.max() < 0.016


def test_a_steady_tone_has_no_onset_in_its_middle(make_notes):
    found = onset_times(make_notes((60, 67), 3.0))
    assert not ((found > 0.1) & (found < 2.9)).any()


@pytest.mark.parametrize("samples", [2_000, 32_000])
def test_silence_has_no_onset(samples):
    assert len(onset_times(np.zeros(samples, np.float32))) == 0


def test_level_does_not_matter(make_clicks):
    audio = make_clicks(np.arange(0.3, 2.8, 0.25), 3.0)
    assert np.array_equal(onset_times(audio), onset_times(np.float32(0.01) * audio))


# -- pitch classes -------------------------------------------------------------------------------


def test_a_c_major_chord_peaks_on_c_e_and_g(make_notes):
    folded = chroma(make_notes(C_MAJOR)).mean(1)
    assert set(np.argsort(folded)[-3:]) == {C, E, G}
    others = [c for c in range(12) if c not in (C, E, G)]
    assert folded[others].max() < 0.35 * folded[[C, E, G]].min()


@pytest.mark.parametrize("pitch", range(48, 72))
def test_every_note_peaks_on_its_own_class_in_every_octave(make_notes, pitch):
    assert int(chroma(make_notes((pitch,), 1.0)).mean(1).argmax()) == pitch % 12


def test_a_frame_lasts_50_ms(make_notes):
    folded = chroma(make_notes((60,), 4.0))
    assert folded.shape[0] == 12
    assert folded.shape[1] == pytest.approx(80, abs=6)
    assert folded.min() >= 0.0


def test_equal_sounds_have_cosine_one(make_notes):
    audio = make_notes(C_MAJOR)
    assert chroma_cosine(audio, audio) == pytest.approx(1.0)
    assert chroma_cosine(np.float32(0.1) * audio, audio) == pytest.approx(1.0, abs=1e-6)


def test_another_key_is_lower_the_farther_it_is(make_notes):
    mix = make_notes(C_MAJOR)
    root = chroma_cosine(make_notes((36, 48)), mix)
    far = chroma_cosine(make_notes(tuple(p + F_SHARP for p in C_MAJOR)), mix)
    fifth = chroma_cosine(make_notes(tuple(p + G for p in C_MAJOR)), mix)
    assert far < fifth < 0.9
    assert far < 0.3 < root


def test_only_frames_in_which_both_sound_count(make_notes):
    chord, silence = make_notes(C_MAJOR), np.zeros(2 * SAMPLE_RATE, np.float32)
    half = np.concatenate([chord, silence])
    assert chroma_cosine(half, np.concatenate([chord, make_notes((61,))])) > 0.95


def test_silence_has_nothing_in_common(make_notes):
    chord = make_notes(C_MAJOR)
    silence = np.zeros_like(chord)
    assert chroma_cosine(silence, chord) == chroma_cosine(chord, silence) == 0.0
    assert chroma_cosine(silence, silence) == 0.0


# -- all of it -----------------------------------------------------------------------------------


def test_a_stem_in_time_and_in_key(make_clicks, make_notes):
    bpm = 120.0
    mix = make_notes(C_MAJOR, 8.0)
    stem = make_clicks(np.arange(0.5, 7.9, 0.125), 9.0) + make_notes(C_MAJOR, 9.0)
    figures = fit(stem, mix, bpm)
    assert figures.sixteenth > 0.97
    assert figures.eighth < 0.1, "as many between the eighths as on them"
    assert figures.onsets == pytest.approx(60, abs=3)
    late = fit(make_clicks(np.arange(0.5, 7.9, 0.25), 8.0), mix, bpm)
    assert late.sixteenth > 0.97 and late.eighth > 0.97
    off = fit(make_clicks(np.arange(0.5, 7.9, 0.25 * 1.07), 8.0), mix, bpm)
    assert off.eighth < 0.3


def test_the_fit_of_silence_is_nothing(make_notes):
    figures = fit(np.zeros(64_000, np.float32), make_notes(C_MAJOR), 120.0)
    assert (figures.onsets, figures.sixteenth, figures.eighth, figures.chroma) == (0, 0, 0, 0)
