"""The anchors: a random stem lies bar on bar at the example's tempo; the true one is the song's."""

from __future__ import annotations

import numpy as np
import pytest

from model.grid import SAMPLE_RATE
from training.evaluation.anchors import (
    context_of,
    random_stem,
    through_codec,
    true_stem,
)
from training.evaluation.examples import Example, OtherStem
from training.evaluation.fit import onset_times
from training.evaluation.held_out import find_song
from training.evaluation.rhythm import grid_agreement
from training.evaluation.stretch import stretched


@pytest.fixture
def example() -> Example:
    others = (OtherStem("00001", "drums.flac", 3), OtherStem("00002", "drums.flac", 5))
    context = ("bass.flac", "drums.flac")
    return Example("00000", "", 1, 2, context, "drums.flac", "drums", 120.0, 4, others)


@pytest.mark.parametrize("speed", [0.85, 1.0, 1.2])
def test_a_stretched_stem_keeps_its_onsets_on_their_beats(make_clicks, speed):
    times = np.arange(0.5, 7.5, 0.5)
    audio = stretched(make_clicks(times, 8.0), speed)
    assert len(audio) == round(8 * SAMPLE_RATE / speed)
    found = onset_times(audio)
    assert all(np.abs(found - time / speed).min() < 0.010 for time in times)


@pytest.mark.parametrize("which", [0, 1])
def test_a_random_stem_is_in_time_at_another_tempo(held_out, example, which):
    other = example.others[which]
    audio = random_stem(find_song(held_out, other.song), other, example)
    assert len(audio) == example.samples
    assert grid_agreement(audio, 120.0).precision > 0.9
    assert len(onset_times(audio)) >= 14


def test_the_true_stem_starts_where_the_measured_bars_do(held_out, example):
    song = find_song(held_out, "00000")
    sound = true_stem(song, example)
    assert np.array_equal(sound, song.mix(("drums.flac",), 5, example.samples))


def test_a_context_may_be_without_drums(held_out, example):
    song = find_song(held_out, "00000")
    whole, pitched = context_of(song, example), context_of(song, example, drums=False)
    drums = song.mix(("drums.flac",), 5, example.samples)
    assert np.allclose(whole, pitched + drums, atol=1e-6)


def test_the_codec_keeps_the_length(toy_generator):
    audio = np.random.default_rng(0).normal(0, 0.1, 3001).astype(np.float32)
    stem = through_codec(toy_generator, audio)
    assert (len(stem.audio), stem.tokens.shape, stem.tokens.dtype) == (3001, (4, 5), np.int16)
