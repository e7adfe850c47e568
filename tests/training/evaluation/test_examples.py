"""Examples are a function of the seed, and lie where a live session needs them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from model.sound import sounding_frames
from training.errors import TrainingError
from training.evaluation.examples import (
    CYCLE,
    MEASURED_BARS,
    bars_that_fit,
    draw_examples,
    group_of,
    repeats,
)
from training.evaluation.held_out import BarGrid, find_song, read_songs


@pytest.fixture(scope="module")
def songs(held_out):
    return read_songs(held_out)


def test_the_seed_fixes_the_examples(songs):
    one = draw_examples(songs, 6, 3, 256, repeating=True)
    assert one == draw_examples(songs, 6, 3, 256, repeating=True)
    assert one != draw_examples(songs, 6, 4, 256, repeating=True)


@pytest.mark.parametrize("repeating", [True, False])
def test_chords_repeat_or_do_not(held_out, songs, repeating):
    for example in draw_examples(songs, 6, 0, 256, repeating=repeating):
        song = find_song(held_out, example.song)
        assert repeats(song, example.first_bar, example.bars) is repeating
        same = [
            song.bar_chords(example.measured_bar + n)
            == song.bar_chords(example.measured_bar + n - CYCLE)
            for n in range(example.bars)
        ]
        assert all(same) is repeating


def test_groups_and_songs_take_turns(songs):
    examples = draw_examples(songs, 6, 0, 256, repeating=True)
    groups = [group_of(example.instrument) for example in examples]
    assert all(groups.count(group) >= 1 for group in ("drums", "bass", "other"))
    assert {example.song for example in examples} == {song.name for song in songs}
    assert len({example.name for example in examples}) == 6


def test_the_target_is_not_heard_and_everything_sounds(held_out, songs):
    for example in draw_examples(songs, 6, 1, 256, repeating=True):
        song = find_song(held_out, example.song)
        assert example.context and example.target not in example.context
        for stems in (example.context, (example.target,)):
            sound = song.mix(stems, example.measured_bar, example.samples)
            assert sounding_frames(sound).mean() >= 0.5


def test_other_stems_are_of_another_song_and_the_nearest_tempo_first(held_out, songs):
    for example in draw_examples(songs, 6, 1, 256, repeating=True):
        others = [find_song(held_out, other.song) for other in example.others]
        assert example.song not in {other.name for other in others}
        kinds = {o.song.stems[e.stem] for o, e in zip(others, example.others, strict=True)}
        assert kinds == {example.instrument}
        apart = [abs(other.song.tempo - example.tempo) for other in others]
        assert apart == sorted(apart)


def test_as_many_bars_as_fit_but_no_more_than_are_measured():
    assert bars_that_fit(BarGrid(120.0), 512) == MEASURED_BARS
    assert bars_that_fit(BarGrid(90.0), 512) == 3
    assert bars_that_fit(BarGrid(120.0), 99) == 0


def test_more_examples_than_there_are_is_an_error(songs):
    with pytest.raises(TrainingError, match=r"chords change .* 3 songs"):
        draw_examples(songs, 500, 0, 256, repeating=False)


def test_a_class_that_no_other_song_has_is_no_target(songs):
    with pytest.raises(TrainingError, match="0 examples"):
        draw_examples(songs[:1], 1, 0, 256, repeating=True)


def test_a_song_that_never_repeats_gives_no_example_that_does(songs):
    still = [replace(song, chart=((0, 0, 0, ""), (7, 0, 5, ""))) for song in songs]
    found = draw_examples(still, 3, 0, 256, repeating=False)
    assert all(example.measured_bar + example.bars > 7 for example in found)
