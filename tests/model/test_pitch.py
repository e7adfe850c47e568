"""A note stands out at its pitch, a drum nowhere, and silence is silence."""

from __future__ import annotations

import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.grid import HOP, SAMPLE_RATE, frames_of
from model.pitch import LOWEST_PITCH, PITCHES, RANGE, pitches


def tone(pitch: float, seconds: float = 1.0, peak: float = 0.1) -> torch.Tensor:
    time_s = torch.arange(round(seconds * SAMPLE_RATE), dtype=torch.float64) / SAMPLE_RATE
    hertz = 440 * 2 ** ((pitch - 69) / 12)
    return (peak * torch.sin(2 * math.pi * hertz * time_s)).float()


@given(pitch=st.integers(LOWEST_PITCH, LOWEST_PITCH + PITCHES - 1), cents=st.floats(-0.2, 0.2))
def test_a_note_stands_out_at_its_pitch(pitch, cents):
    middle = pitches(tone(pitch + cents)[None])[0, 20:30]
    found = middle.argmax(1) + LOWEST_PITCH
    # The loudest bin is half a bin off at most, and so is the edge of a band: together one bin,
    # which is less than the 30 cents that are left to the edge from A3 up.
    off = 2 if pitch < 36 else 1 if pitch < 57 else 0
    assert ((found - pitch).abs() <= off).all()


def test_every_note_of_a_chord_stands_out():
    chord = sum(tone(pitch) for pitch in (60, 64, 67))
    middle = pitches(chord[None])[0, 25]
    loudest = set((middle.topk(3).indices + LOWEST_PITCH).tolist())
    assert loudest == {60, 64, 67}


def test_loudness_changes_nothing():
    loud, soft = (pitches(tone(57, peak=peak)[None])[0, 25] for peak in (0.5, 0.05))
    assert loud.argmax() == soft.argmax() == 57 - LOWEST_PITCH
    assert float((loud - soft).abs().max()) < 2.5  # what sinks below the floor


def test_a_drum_stands_out_nowhere_and_silence_is_zero():
    noise = torch.randn(1, SAMPLE_RATE, generator=torch.Generator().manual_seed(0))
    assert float(pitches(noise)[0, 10:40].abs().mean()) < 0.5
    assert float(pitches(torch.zeros(1, 5000)).abs().max()) < 1e-5


@pytest.mark.parametrize("hertz", [5_500.0, 6_200.0, 7_900.0, 15_000.0])
def test_what_is_too_high_does_not_fold_back(hertz):
    middle = pitches(tone(69 + 12 * math.log2(hertz / 440))[None])[0, 25]
    assert float(middle.max()) < 2.0


@given(samples=st.integers(1, 4 * HOP), batch=st.integers(1, 3))
def test_shape_and_range(samples, batch):
    found = pitches(torch.randn(batch, samples))
    assert found.shape == (batch, frames_of(samples), PITCHES)
    assert float(found.abs().max()) <= RANGE


def test_a_frame_hears_what_is_around_it():
    audio = torch.zeros(1, 100 * HOP)
    audio[0, 50 * HOP : 60 * HOP] = tone(60, 10 * HOP / SAMPLE_RATE)
    stands_out = pitches(audio)[0, :, 60 - LOWEST_PITCH] > 1.0
    frames = stands_out.nonzero()[:, 0]
    assert 43 <= int(frames.min()) <= 50 and 59 <= int(frames.max()) <= 66
