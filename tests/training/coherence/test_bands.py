"""Bands: a note is in its own semitone, a click in its own frame, a level is a level."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from model.grid import SAMPLE_RATE
from training.coherence.bands import (
    FLOOR_DB,
    LOWEST_PITCH,
    MEL_HOP,
    SEMITONE_HOP,
    SEMITONES,
    STEP_DB,
    band_powers,
    bands_of,
    power_of,
)


def tone(pitch: int, level: float = 1.0, seconds: float = 2.0) -> np.ndarray:
    time_s = np.arange(round(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    wave = level * np.sin(2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * time_s)
    return wave.astype(np.float32)[None]


@pytest.mark.parametrize("pitch", [28, 33, 40, 47, 48, 49, 60, 84, LOWEST_PITCH + SEMITONES - 1])
def test_a_note_is_loudest_in_its_own_band(pitch):
    middle = bands_of(tone(pitch)).semitones[0, :, 12].astype(float)
    assert middle.argmax() == pitch - LOWEST_PITCH
    far = np.abs(np.arange(SEMITONES) - middle.argmax()) > 2
    assert middle[far].max() < middle.max() - 30 / STEP_DB


@pytest.mark.parametrize("pitch", [36, 60])
def test_codes_are_decibels(pitch):
    full, tenth = (bands_of(tone(pitch, level)) for level in (1.0, 0.1))
    assert full.semitones.max() - tenth.semitones.max() == pytest.approx(20 / STEP_DB, abs=1)
    assert FLOOR_DB + STEP_DB * full.semitones.max() == pytest.approx(0, abs=7)


def test_codes_and_powers_agree_to_a_quarter_of_a_decibel():
    audio = tone(60, 0.3)
    powers = band_powers(torch.from_numpy(audio))
    codes = bands_of(audio)
    for power, code in zip(powers, (codes.semitones, codes.mel), strict=True):
        loud = power.numpy() > 1e-8
        error_db = 10 * np.log10(power_of(code)[loud] / power.numpy()[loud])
        assert np.abs(error_db).max() <= STEP_DB / 2 + 1e-3


def test_a_click_is_in_the_frame_it_falls_on():
    audio = np.zeros((1, SAMPLE_RATE), np.float32)
    audio[0, 50 * MEL_HOP] = 1.0
    assert bands_of(audio).mel[0, 20].argmax() == 50


def test_frames_are_counted_from_the_first_sample():
    bands = bands_of(np.zeros((3, SAMPLE_RATE), np.float32))
    assert bands.semitones.shape == (3, SEMITONES, SAMPLE_RATE // SEMITONE_HOP + 1)
    assert bands.mel.shape == (3, 24, SAMPLE_RATE // MEL_HOP + 1)
    assert bands.semitones.max() == bands.mel.max() == 0
