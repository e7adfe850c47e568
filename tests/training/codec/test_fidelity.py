"""What a codec keeps: each figure moves with what it is named after, and with nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from model.grid import SAMPLE_RATE
from training.codec.fidelity import (
    drum_onsets,
    early_s,
    level_error_db,
    listener_score,
    notes_kept,
    onsets_kept,
)
from training.evaluation.notes import PitchedNote

HITS_S = np.arange(0.5, 4.0, 0.4)


def drums(hits_s: np.ndarray, samples: int = 4 * SAMPLE_RATE) -> np.ndarray:
    """Bursts of noise that decay within some tens of ms."""
    rng = np.random.default_rng(0)
    audio = np.zeros(samples)
    for hit_s in hits_s:
        start = round(hit_s * SAMPLE_RATE)
        length = min(SAMPLE_RATE // 5, samples - start)
        decay = np.exp(-np.arange(length) / (0.02 * SAMPLE_RATE))
        audio[start : start + length] += 0.3 * decay * rng.standard_normal(length)
    return audio.astype(np.float32)


def note(start_s: float, pitch: int) -> PitchedNote:
    return PitchedNote(start_s, start_s + 0.3, pitch)


class TestNotes:
    def test_the_same_notes_are_all_kept(self):
        notes = [note(0.0, 40), note(0.5, 43), note(0.5, 47)]
        assert notes_kept(notes, notes) == 1.0

    def test_nothing_is_lost_of_nothing(self):
        assert notes_kept([], []) == 1.0

    @pytest.mark.parametrize(("moved_s", "kept"), [(0.04, 1.0), (-0.04, 1.0), (0.06, 0.0)])
    def test_a_start_may_move_by_50_ms(self, moved_s, kept):
        assert notes_kept([note(1.0, 40)], [note(1.0 + moved_s, 40)]) == kept

    def test_another_octave_is_another_note(self):
        assert notes_kept([note(1.0, 40)], [note(1.0, 52)]) == 0.0

    def test_twice_as_many_notes_as_there_are_cost_a_third(self):
        true = [note(n / 2, 40) for n in range(8)]
        false = [note(n / 2 + 0.2, 52) for n in range(8)]
        assert notes_kept(true, true + false) == pytest.approx(2 / 3)

    def test_a_note_is_matched_once(self):
        assert notes_kept([note(1.0, 40)], [note(0.98, 40), note(1.02, 40)]) == pytest.approx(2 / 3)


class TestLevel:
    @given(st.floats(-30, 12))
    def test_a_gain_is_its_own_error(self, gain_db):
        audio = drums(HITS_S)
        louder = audio * np.float32(10 ** (gain_db / 20))
        assert level_error_db(audio, louder) == pytest.approx(gain_db, abs=1e-3)

    def test_silence_has_a_level(self):
        nothing = np.zeros(1000, np.float32)
        assert level_error_db(nothing, nothing) == 0.0
        assert level_error_db(drums(HITS_S), np.zeros(4 * SAMPLE_RATE, np.float32)) < -60


class TestOnsets:
    def test_every_hit_is_found_where_it_is(self):
        found = drum_onsets(drums(HITS_S))
        assert len(found) == len(HITS_S)
        np.testing.assert_allclose(found, HITS_S, atol=0.006)

    def test_silence_has_none(self):
        nothing = np.zeros(SAMPLE_RATE, np.float32)
        assert not len(drum_onsets(nothing)) and onsets_kept(nothing, nothing) == 1.0

    @pytest.mark.parametrize(("moved_s", "kept"), [(0.005, 1.0), (-0.005, 1.0), (0.02, 0.0)])
    def test_an_onset_may_move_by_10_ms(self, moved_s, kept):
        assert onsets_kept(drums(HITS_S), drums(HITS_S + moved_s)) == kept

    def test_half_of_the_hits_are_two_thirds(self):
        assert onsets_kept(drums(HITS_S[:8]), drums(HITS_S[:8:2])) == pytest.approx(2 / 3, abs=0.01)


class TestEarly:
    def test_the_same_is_on_time(self):
        assert not early_s(drums(HITS_S), drums(HITS_S)).any()

    @pytest.mark.parametrize("moved_s", [0.004, 0.02, 0.04])
    def test_what_sounds_ahead_is_measured(self, moved_s):
        late = drums(HITS_S)
        smeared = late + np.float32(0.5) * drums(HITS_S - moved_s)
        found = early_s(late, smeared)
        assert len(found) == len(HITS_S)
        np.testing.assert_allclose(found, moved_s, atol=0.002)

    def test_what_is_20_db_quieter_does_not_count(self):
        late = drums(HITS_S)
        smeared = late + np.float32(0.05) * drums(HITS_S - 0.03)
        assert np.median(np.abs(early_s(late, smeared))) < 0.002

    def test_onsets_in_the_middle_of_sound_do_not_count(self):
        humming = drums(HITS_S) + np.float32(0.3) * np.sin(np.arange(4 * SAMPLE_RATE) / 20)
        assert not len(early_s(humming.astype(np.float32), humming.astype(np.float32)))


class TestListener:
    def test_the_same_is_a_five_and_noise_is_not(self):
        audio = drums(HITS_S)
        noise = 0.03 * np.random.default_rng(1).standard_normal(len(audio)).astype(np.float32)
        assert listener_score(audio, audio) == 5.0
        assert listener_score(audio, audio + noise) < 3
        assert listener_score(audio, noise) < 3
