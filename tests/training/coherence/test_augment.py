"""Recolouring changes colour, room and noise, never what is played."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.coherence.augment import recolour, shift_semitones


@given(up=st.integers(-6, 6))
def test_what_is_shifted_and_shifted_back_is_the_same_but_at_the_edges(up):
    power = np.random.default_rng(0).random((84, 5), np.float32)
    back = shift_semitones(shift_semitones(power, up), -up)
    assert np.array_equal(back[6:-6], power[6:-6])
    edge = shift_semitones(power, up)[:up] if up > 0 else shift_semitones(power, up)[84 + up :]
    assert not edge.any()


@pytest.mark.parametrize("seed", range(8))
def test_a_note_and_an_onset_stay_where_they_are(seed):
    semitones, mel = np.full((84, 20), 1e-6, np.float32), np.full((24, 200), 1e-6, np.float32)
    semitones[40, 5] = mel[10, 100] = 1.0
    one, other = recolour(semitones, mel, np.random.default_rng(seed))
    assert one.shape == semitones.shape and other.shape == mel.shape
    assert np.unravel_index(one.argmax(), one.shape) == (40, 5)
    assert np.unravel_index(other.argmax(), other.shape) == (10, 100)
    assert (one >= 0).all() and (other >= 0).all()


def test_silence_stays_silent():
    silent = np.zeros((84, 4), np.float32), np.zeros((24, 16), np.float32)
    for power in recolour(*silent, np.random.default_rng(0)):
        assert not power.any()
