"""What is heard of training songs, and what each mix lacks."""

from __future__ import annotations

import numpy as np
import pytest

from model.generator import load_generator
from model.grid import SAMPLE_RATE
from model.instruments import INSTRUMENTS
from training.experiments.contexts import Pair, heard_mean, multi_hot, song_pairs
from training.experiments.independence import correlate
from training.songs import read_song, song_folders


@pytest.fixture(scope="module")
def generator(rehearsal):
    return load_generator("cpu", rehearsal.weights)


def test_a_target_is_of_the_song_and_not_in_the_mix(rehearsal, generator):
    found = []
    for folder in song_folders(rehearsal.band, "train"):
        pairs = song_pairs(generator, folder, seed=1)
        classes = {INSTRUMENTS.index(kind) for kind in read_song(folder).stems.values()}
        for pair in pairs:
            # Each class is there once, so what is missing is missing as a class.
            assert pair.target in classes - set(pair.mixed) and set(pair.mixed) < classes
            assert pair.song == folder.name
        again = song_pairs(generator, folder, seed=1)
        assert [(p.target, *p.heard) for p in pairs] == [(p.target, *p.heard) for p in again]
        found += pairs
    assert len({tuple(pair.heard) for pair in found}) > 1


def test_what_is_heard_is_the_mix_whatever_its_level(generator):
    rng = np.random.default_rng(0)
    noise = (0.1 * rng.standard_normal(2 * SAMPLE_RATE)).astype(np.float32)
    tone = 0.1 * np.sin(np.arange(2 * SAMPLE_RATE) / 20).astype(np.float32)
    heard = heard_mean(generator, noise)
    assert heard.shape == (generator.network.config.width // 2,)
    assert np.abs(heard_mean(generator, 4 * noise) - heard).max() < 1e-3
    assert np.abs(heard_mean(generator, tone) - heard).max() > 1e-2


def test_what_the_mixes_tell_of_the_instrument_is_found_and_nothing_else():
    """Drums are wanted where no drums are in the mix; what is heard tells half of the time."""
    rng = np.random.default_rng(0)
    table, pairs = np.eye(len(INSTRUMENTS) + 1), []
    drums, bass, piano = (INSTRUMENTS.index(name) for name in ("drums", "bass", "piano"))
    for song in range(200):
        target = (drums, bass)[song % 2]
        mixed = (piano, bass if target == drums else drums)
        heard = rng.normal(size=4)
        heard[0] += 2 * (target == drums) * (song % 4 < 2)
        pairs.append(Pair(f"{song}", heard, mixed, target))
    figures = correlate(pairs, table)
    assert set(figures) == {"all", "drums", "bass"}
    for heard, mixed in figures.values():
        assert mixed.value > 0.99 and 0.1 < heard.value < 0.8


def test_classes_of_a_mix_are_told_once_each():
    assert multi_hot([(0, 4), ()]).tolist() == [
        [1.0 if at in (0, 4) else 0.0 for at in range(len(INSTRUMENTS))],
        [0.0] * len(INSTRUMENTS),
    ]
