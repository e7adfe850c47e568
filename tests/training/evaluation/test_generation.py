"""Stems are made once, whoever asks; and never of the truth."""

from __future__ import annotations

import math
import shutil
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from model.abilities import Abilities
from model.generator import StemGenerator
from model.grid import SAMPLE_RATE
from model.instruments import INSTRUMENTS, instrument_index
from training.evaluation.anchors import true_stem
from training.evaluation.examples import CYCLE, draw_examples
from training.evaluation.generation import Generated, RandomStem, Store, TrueStem
from training.evaluation.held_out import find_song, read_songs
from training.evaluation.live import Stem
from training.evaluation.scenarios import CYCLE as LIVE
from training.evaluation.scenarios import NAIVE, SCENARIOS, SHIPPED, WHOLE


@dataclass(frozen=True, slots=True)
class Counted:
    """A stem that leaves a mark each time it is made."""

    marks: Path
    number: int

    def make(self, generator: StemGenerator) -> Stem:
        with self.marks.open("a") as file:
            file.write(f"{self.number}\n")
        tokens = np.full((4, 2), self.number, np.int16)
        return Stem(tokens, np.full(1280, self.number / 8, np.float32))


@pytest.fixture(scope="module")
def example(held_out):
    return draw_examples(read_songs(held_out), 1, 0, 256, repeating=True)[0]


def test_what_was_made_is_not_made_again(tmp_path, toy_weights):
    marks = tmp_path / "marks"
    Store(tmp_path / "stems", toy_weights).make({"first": [Counted(marks, 1)]}, 1)
    store = Store(tmp_path / "stems", toy_weights)
    wanted = {"first": [Counted(marks, 1)], "more": [Counted(marks, 2), Counted(marks, 1)]}
    assert set(store.make(wanted, 1)) == {"more"}
    assert store.make(wanted, 1) == {}
    assert marks.read_text().split() == ["1", "2"]


def test_a_stem_comes_back_as_it_was(tmp_path, toy_weights):
    store, recipe = Store(tmp_path, toy_weights), Counted(tmp_path / "marks", 3)
    store.make({"": [recipe]}, 1)
    stem = store.read(recipe)
    assert (stem.tokens == 3).all() and stem.tokens.dtype == np.int16
    assert (stem.audio == 3 / 8).all() and stem.audio.dtype == np.float32


def test_what_is_in_a_song_comes_back_to_the_bit(tmp_path, toy_weights, held_out, example):
    store, recipe = Store(tmp_path, toy_weights), TrueStem(held_out, example)
    store.make({"": [recipe]}, 1)
    true = true_stem(find_song(held_out, example.song), example)
    assert np.array_equal(store.read(recipe).audio, true)


@dataclass(frozen=True, slots=True)
class Slice:
    """A stem that is cut out of longer arrays."""

    def make(self, generator: StemGenerator) -> Stem:
        tokens = np.arange(40, dtype=np.int16).reshape(4, 10)
        return Stem(tokens[:, 3:7], np.arange(100, dtype=np.float32)[10:50:2])


def test_a_stem_that_is_a_slice_comes_back_as_it_was(tmp_path, toy_weights):
    store = Store(tmp_path, toy_weights)
    store.make({"": [Slice()]}, 1)
    stem, made = store.read(Slice()), Slice().make(None)
    assert np.array_equal(stem.tokens, made.tokens)
    assert np.array_equal(stem.audio, made.audio)


def test_everything_that_decides_a_stem_names_its_file(
    tmp_path, toy_weights, codec_weights, held_out, example
):
    store = Store(tmp_path, toy_weights)
    recipe = Generated(held_out, example, WHOLE, SHIPPED, 0)
    warmer = replace(SHIPPED, decode=replace(SHIPPED.decode, temperature=1.1))
    others = [
        replace(recipe, variant=NAIVE),
        replace(recipe, scenario=LIVE),
        replace(recipe, take=1),
        replace(recipe, variant=warmer),
        replace(recipe, example=replace(example, first_bar=example.first_bar + 1)),
        replace(recipe, example=replace(example, digest="another song")),
        TrueStem(held_out, example),
        TrueStem(held_out, example, codec=True),
        RandomStem(held_out, example),
        RandomStem(held_out, example, which=1),
    ]
    other_weights = tmp_path / "weights"
    other_weights.mkdir()
    shutil.copy(codec_weights, other_weights / "codec.safetensors")
    paths = [store.path(r).name for r in (recipe, *others)]
    paths.append(Store(tmp_path, other_weights).path(recipe).name)
    assert len(set(paths)) == len(paths)


def test_where_the_songs_lie_and_what_a_scenario_is_called_in_words_do_not(
    tmp_path, toy_weights, held_out, example
):
    store = Store(tmp_path, toy_weights)
    recipe = Generated(held_out, example, WHOLE, SHIPPED, 0)
    moved = replace(recipe, held_out=Path("elsewhere"), scenario=replace(WHOLE, text="new words"))
    assert store.path(recipe) == store.path(moved)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_stem_of_ours_does_not_depend_on_the_true_one(
    tmp_path, held_out, toy_generator, example, scenario
):
    """The true stem is overwritten with noise; ours stays the same to the last token."""
    shutil.copytree(held_out, tmp_path / "other")
    target = tmp_path / "other" / "test" / example.song / example.target
    noise = np.random.default_rng(0).normal(0, 0.3, 30 * SAMPLE_RATE)
    soundfile.write(target, noise, SAMPLE_RATE, subtype="PCM_16")
    one, other = (
        Generated(folder, example, scenario, SHIPPED, 0).make(toy_generator)
        for folder in (held_out, tmp_path / "other")
    )
    assert np.array_equal(one.tokens, other.tokens)
    assert np.array_equal(one.audio, other.audio)


def test_a_session_hears_the_context_from_a_cycle_before_the_measured_bars(held_out, example):
    session = Generated(held_out, example, LIVE, SHIPPED, 0).session(Abilities())
    song = next(s for s in read_songs(held_out) if s.name == example.song)
    heard = song.mix(example.context, example.first_bar, len(session.context))
    assert np.array_equal(session.context, heard)
    assert (session.first_bar, session.end_bar) == (CYCLE, CYCLE + example.bars)


def test_takes_differ_and_scenarios_share_their_dice(held_out, example):
    def seed(**changes):
        recipe = Generated(held_out, example, WHOLE, SHIPPED, 0)
        return replace(recipe, **changes).session(Abilities()).seed

    assert seed() == seed(scenario=LIVE) == seed(variant=NAIVE)
    assert seed() != seed(take=1)


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda s: s.name)
def test_a_chart_is_told_where_the_scenario_has_one(held_out, example, scenario):
    session = Generated(held_out, example, scenario, SHIPPED, 0).session(Abilities())
    if not scenario.chart:
        assert len(session.harmony) == 0
        return
    song = find_song(held_out, example.song)
    for bar in range(CYCLE + example.bars):
        root = song.bar_chords(example.first_bar + bar)[0][1]
        frame = math.ceil(example.grid.start_frames(bar)) + 1
        assert session.harmony[frame, 12:].argmax() == root


def test_it_plays_with_one_of_the_sounds_that_the_generator_brings_along(held_out, example):
    sounds = np.arange(1, len(INSTRUMENTS) * 3 + 1, dtype=np.float32).reshape(-1, 3, 1)
    sessions = [
        Generated(held_out, example, scenario, SHIPPED, 0).session(Abilities(sounds=sounds))
        for scenario in SCENARIOS
    ]
    assert len({float(session.sound[0]) for session in sessions}) == 1
    assert sessions[0].sound in sounds[instrument_index(example.instrument)]
