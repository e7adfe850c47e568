"""Notes in the chord, chroma beat by beat: right, wrong, in part, and nothing at all."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.band.harmony import Chord
from training.evaluation.chart import TimedChord
from training.evaluation.harmony import beat_chroma, chroma_agreement, share_in_chord
from training.evaluation.notes import PitchedNote

C_THEN_G7 = (TimedChord(0.0, 2.0, Chord(0, "")), TimedChord(2.0, 4.0, Chord(7, "7")))
SILENCE = np.zeros(4 * SAMPLE_RATE, np.float32)
C_MAJOR, F_SHARP_MAJOR, G_MAJOR = (48, 52, 55), (54, 58, 61), (55, 59, 62)


def test_notes_of_the_chord_are_in_it_in_every_octave():
    notes = [PitchedNote(0.0, 2.0, p) for p in (36, 52, 67)]
    notes += [PitchedNote(2.0, 4.0, p) for p in (43, 59, 62, 77)]
    assert share_in_chord(notes, C_THEN_G7) == 1.0


def test_notes_between_those_of_the_chord_are_not():
    assert share_in_chord([PitchedNote(0.0, 2.0, p) for p in (61, 66, 70)], C_THEN_G7) == 0.0


def test_by_hand():
    """C rings 1.5 s in C and 0.5 s in G7, where it is none; F is in for the 1 s it has in G7."""
    notes = [PitchedNote(0.5, 2.5, 60), PitchedNote(3.0, 9.0, 65)]
    assert share_in_chord(notes, C_THEN_G7) == pytest.approx(2.5 / 3.0)


lengths = st.lists(
    st.tuples(st.floats(0, 3.5), st.floats(0.05, 2.0), st.integers(30, 90)), min_size=1, max_size=8
)


@given(lengths, st.floats(0.1, 0.9), st.integers(0, 11))
def test_a_note_heard_in_two_pieces_and_another_key_change_nothing(drawn, cut, shift):
    whole = [PitchedNote(s, s + d, p) for s, d, p in drawn]
    cuts = [PitchedNote(s, s + cut * d, p) for s, d, p in drawn]
    cuts += [PitchedNote(s + cut * d, s + d, p) for s, d, p in drawn]
    share = share_in_chord(whole, C_THEN_G7)
    assert share_in_chord(cuts, C_THEN_G7) == pytest.approx(share)
    moved = [PitchedNote(n.start_s, n.end_s, n.pitch + shift) for n in whole]
    chords = [
        TimedChord(t.start_s, t.end_s, Chord((t.chord.root + shift) % 12, t.chord.quality))
        for t in C_THEN_G7
    ]
    assert share_in_chord(moved, chords) == pytest.approx(share)


def test_every_pitch_class_once_is_in_a_triad_a_quarter_of_the_time():
    notes = [PitchedNote(0.0, 1.0, pitch) for pitch in range(60, 72)]
    assert share_in_chord(notes, C_THEN_G7) == pytest.approx(0.25)


def test_no_note_is_no_share():
    assert math.isnan(share_in_chord([], C_THEN_G7))
    assert math.isnan(share_in_chord([PitchedNote(5.0, 6.0, 60)], C_THEN_G7))


# -- chroma --------------------------------------------------------------------------------------


def test_each_beat_has_its_own_chroma(make_notes):
    """Two beats of C, two of G at 60 BPM; the window of the spectrum reaches 128 ms over."""
    audio = np.concatenate([make_notes((60,), 2.0), make_notes((67,), 2.0)])
    beats = beat_chroma(audio, 60.0)
    assert beats.shape == (4, 12)
    assert [int(b.argmax()) for b in beats] == [0, 0, 7, 7]


def test_a_beat_that_is_cut_off_is_left_out(make_notes):
    assert len(beat_chroma(make_notes((60,), 3.9), 60.0)) == 3
    assert len(beat_chroma(make_notes((60,), 0.5), 60.0)) == 0


def test_the_same_chords_agree_and_far_ones_do_not(make_notes):
    context = make_notes(C_MAJOR, 4.0)
    assert chroma_agreement(make_notes(C_MAJOR, 4.0), context, 120.0) == pytest.approx(1.0)
    assert chroma_agreement(make_notes((72,), 4.0), context, 120.0) > 0.4
    assert chroma_agreement(make_notes(F_SHARP_MAJOR, 4.0), context, 120.0) < -0.2


def test_chords_in_the_wrong_order_agree_less_than_the_sum_would(make_notes):
    """Over the whole window both have the same chroma; beat by beat they never meet."""
    forth = np.concatenate([make_notes(C_MAJOR), make_notes(F_SHARP_MAJOR)])
    back = np.concatenate([make_notes(F_SHARP_MAJOR), make_notes(C_MAJOR)])
    assert chroma_agreement(forth, forth, 120.0) == pytest.approx(1.0)
    assert chroma_agreement(forth, back, 120.0) < 0.0


def test_level_does_not_matter_and_noise_agrees_with_nothing(make_notes):
    context = make_notes(C_MAJOR, 4.0)
    stem = make_notes(G_MAJOR, 4.0)
    quiet = chroma_agreement(np.float32(0.01) * stem, context, 120.0)
    assert quiet == pytest.approx(chroma_agreement(stem, context, 120.0), abs=1e-4)
    noise = np.random.default_rng(0).normal(0, 0.1, len(context)).astype(np.float32)
    assert abs(chroma_agreement(noise, context, 120.0)) < 0.35


def test_only_beats_in_which_both_sound_count(make_notes):
    chord = make_notes(C_MAJOR, 4.0)
    stem = np.concatenate([chord, SILENCE])
    context = np.concatenate([chord, make_notes(F_SHARP_MAJOR, 4.0)])
    assert chroma_agreement(stem, context, 60.0) > 0.9


def test_silence_has_nothing_to_agree_on(make_notes):
    chord = make_notes(C_MAJOR, 4.0)
    for one, other in ((SILENCE, chord), (chord, SILENCE), (SILENCE, SILENCE)):
        assert math.isnan(chroma_agreement(one, other, 120.0))
    assert math.isnan(chroma_agreement(chord[:3200], chord[:3200], 120.0)), "no whole beat"
