"""Each descriptor on sounds for which the answer is known."""

from __future__ import annotations

from importlib.util import find_spec

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.evaluation import descriptors as module
from training.evaluation.descriptors import (
    BINS,
    bar_labels,
    beats_per_bar,
    describe,
    most_within,
    nearest_triad,
    percussive_onsets,
)
from training.evaluation.notes import PACKAGE, PitchedNote

C, G, A_MINOR = np.eye(12)[[[0, 4, 7], [7, 11, 2], [9, 0, 4]]].sum(1)
SILENCE = np.zeros(8 * SAMPLE_RATE, np.float32)
needs_network = pytest.mark.skipif(
    find_spec("basic_pitch") is None, reason=f"pip install --no-deps {PACKAGE}"
)


def accents(metre: int, bars: int = 8, beat_s: float = 0.5) -> tuple[np.ndarray, np.ndarray]:
    """A low thump on each beat, three times as strong on the first of the bar; and the beats."""
    beats_s = 0.1 + beat_s * np.arange(metre * bars)
    audio = np.zeros(round((beats_s[-1] + beat_s) * SAMPLE_RATE), np.float32)
    time_s = np.arange(round(0.1 * SAMPLE_RATE)) / SAMPLE_RATE
    thump = 0.2 * np.sin(2 * np.pi * 80 * time_s) * np.exp(-30 * time_s)
    for at, beat in enumerate(beats_s):
        first = round(beat * SAMPLE_RATE)
        audio[first : first + len(thump)] += (3.0 if at % metre == 0 else 1.0) * thump
    return audio, beats_s


# -- density -------------------------------------------------------------------------------------


def test_the_most_in_a_window_by_hand():
    times_s = np.array([0.0, 0.5, 1.0, 1.1, 1.2, 1.55, 3.0])
    assert most_within(times_s, 0.6) == 4
    assert most_within(np.array([0.0, 0.6]), 0.6) == 1, "the end is not in the window"
    assert most_within(np.zeros(0), 0.6) == 0


@given(st.lists(st.integers(0, 50), max_size=20), st.integers(1, 10))
def test_the_most_in_a_window_as_counted_by_hand(times, window):
    ordered = np.sort(np.array(times, float))
    counted = max((sum(0 <= b - a < window for b in ordered) for a in ordered), default=0)
    assert most_within(ordered, window) == counted


def test_drums_are_percussive_and_a_chord_is_not(make_clicks, make_notes):
    times_s = np.arange(0.5, 3.8, 0.25)
    mixed = make_clicks(times_s, 4.0) + make_notes((48, 55, 64), 4.0)
    found = percussive_onsets(mixed)
    assert most_within(found, 0.6) == most_within(times_s, 0.6) == 3
    assert len(percussive_onsets(SILENCE)) == 0


# -- chords and metre ----------------------------------------------------------------------------


def test_the_nearest_triad():
    assert [nearest_triad(chroma) for chroma in (C, G, A_MINOR)] == [0, 7, 12 + 9]
    assert nearest_triad(np.zeros(12)) is None
    assert nearest_triad(np.ones(12)) is None


@given(st.integers(0, 2**32 - 1))
def test_of_triads_that_are_as_strong_the_first_is_taken(seed):
    noise = 1 + 1e-7 * np.random.default_rng(seed).uniform(-1, 1, 12)
    fifth = np.eye(12)[[0, 7]].sum(0)  # C and G: C major and C minor have as much of it
    assert nearest_triad(fifth * noise) == 0
    assert nearest_triad(noise) is None


@given(st.integers(0, 23), st.floats(0.0, 0.9))
def test_every_triad_is_found_among_weaker_notes(triad, level):
    shape = np.roll(np.eye(12)[[0, 3 if triad >= 12 else 4, 7]].sum(0), triad % 12)
    assert nearest_triad(np.maximum(shape, level * np.random.default_rng(0).random(12))) == triad


@pytest.mark.parametrize("metre", [2, 3, 4, 5, 7])
def test_the_metre_of_the_accents_is_found(metre):
    assert beats_per_bar(*accents(metre)) == metre


def test_few_beats_have_no_metre():
    audio, beats_s = accents(4, bars=2)
    assert beats_per_bar(audio, beats_s) is None
    assert beats_per_bar(SILENCE, np.zeros(0)) is None


def test_bars_are_labelled_in_order_of_appearance():
    spans = np.array([C, C, G, G, C, C, A_MINOR, A_MINOR, G, G])
    assert bar_labels(spans, 2) == [0, 1, 0, 2, 1]
    assert bar_labels(spans[:5], 2) == [0, 1], "a bar that is cut off has no label"
    assert bar_labels(np.zeros((0, 12)), 4) == []


# -- all of them ---------------------------------------------------------------------------------


def test_values_from_the_notes(monkeypatch, make_notes):
    notes = [PitchedNote(0.5 * n, 0.5 * n + 0.5, p) for n, p in enumerate((48, 52, 55, 60, 64))]
    monkeypatch.setattr(module, "find_notes", lambda audio: tuple(notes))
    found = describe(make_notes((48, 52, 55), 4.0))
    assert set(found) == set(BINS)
    assert found["key signature"] == [0]
    assert found["note pitch range"] == [16]
    assert found["unique pitch classes"] == [3]
    assert found["note pitches"] == [48, 52, 55, 60, 64]
    assert found["pitch classes"] == [0, 4, 7, 0, 4]


def test_values_stay_in_their_bins(monkeypatch, make_clicks):
    notes = [PitchedNote(0.0, 1.0, 21), PitchedNote(0.0, 1.0, 108)]
    monkeypatch.setattr(module, "find_notes", lambda audio: tuple(notes))
    found = describe(make_clicks(np.arange(0.2, 7.8, 0.06), 8.0))
    for name, values in found.items():
        assert all(0 <= value < BINS[name] for value in values), name
    assert found["note pitch range"] == [87]


@needs_network
def test_a_known_piece(make_notes, make_clicks):
    """C, G, A minor, F at 120 BPM, a bar each, twice; the beat struck, the first harder."""
    chords = ((60, 64, 67), (55, 59, 62), (57, 60, 64), (53, 57, 60)) * 2
    beats_s = np.arange(32) * 0.5
    music = np.concatenate([make_notes(chord, 0.5) for chord in np.repeat(chords, 4, axis=0)])
    audio = music + np.float32(0.3) * make_clicks(beats_s, len(music) / SAMPLE_RATE)
    found = describe(audio)
    assert found["key signature"] == [0]
    assert found["unique pitch classes"][0] in (7, 8)
    assert found["maximum percussive density"] == [2]
    assert set(found["chord triads"]) >= {0, 7, 21, 5}
    assert found["major/minor ratio"][0] in (2, 3), "one bar of four is minor"
    assert found["chord-label variety"][0] in (4, 5, 6)


def test_silence_has_counts_of_nothing_and_no_other_values():
    found = describe(SILENCE)
    counts = ("unique pitch classes", "maximum percussive density", "chord-label variety")
    assert found == {name: [0] if name in counts else [] for name in BINS}
