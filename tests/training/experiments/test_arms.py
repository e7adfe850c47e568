"""Arms are told apart as they are, on the same examples, and no song is on both sides."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from training.evaluation.descriptors import BINS
from training.evaluation.examples import Example
from training.evaluation.held_out import read_songs
from training.evaluation.measuring import MEASURES, Measured
from training.evaluation.musicnn import EMBEDDINGS
from training.evaluation.scenarios import CHORD_CHANGE, SHIPPED
from training.experiments.arm_tables import arms_table
from training.experiments.arms import FIT, MIRDD, POPULATION, TRUE, Arm, Arms, halves, measure_arms
from training.experiments.estimates import NOTHING

COUNT = 40


def measured(mean: float, rng: np.random.Generator, windows: int = 4) -> Measured:
    vectors = {name: rng.normal(mean, 1.0, (windows, 3)).astype(np.float32) for name in EMBEDDINGS}
    described = {
        name: [int(rng.integers(0, 2 + round(mean * (bins - 2))))] for name, bins in BINS.items()
    }
    figures = {label: float(rng.normal(mean, 0.1)) for label in MEASURES}
    return Measured(figures, vectors, described, np.zeros((4, 64), np.float32), mean < 0)


def side(mean: float, seed: int) -> list[Measured]:
    rng = np.random.default_rng(seed)
    return [measured(mean, rng) for _ in range(COUNT)]


@pytest.fixture(scope="module")
def arms() -> Arms:
    examples = tuple(
        Example(f"{n}", "", 0, 4, ("a",), "b", "bass", 120.0, 4, ()) for n in range(COUNT)
    )
    found = {TRUE: side(0.9, 1), "good": side(0.8, 2), "bad": side(0.2, 3)}
    return Arms(examples, found, side(0.9, 4))


def test_more_fits_better_and_less_is_further_away(arms):
    for label in FIT:
        assert arms.estimate("good", label).low > arms.estimate("bad", label).high
    for label in POPULATION:
        assert arms.estimate("good", label).value < arms.estimate("bad", label).value
        assert arms.estimate(TRUE, label).value < arms.estimate("bad", label).value


def test_a_change_is_the_difference_of_two_arms_and_surely_none_from_itself(arms):
    for label in (*FIT, *POPULATION):
        change, none = arms.change("good", "bad", label), arms.change("good", "good", label)
        apart = arms.estimate("good", label).value - arms.estimate("bad", label).value
        assert change.value == pytest.approx(apart)
        assert none.low == none.value == none.high == 0.0


def test_the_table_has_a_row_for_each_arm_and_the_true_stems(arms):
    table = arms_table(arms, ["bad", "good"], "Caption.")
    assert [row[0] for row in table.rows] == ["bad", "good", TRUE]
    assert all(len(row) == len(table.head) for row in table.rows)
    assert table.rows[0][1] == arms.estimate("bad", FIT[0]).text()
    assert MIRDD in table.head and table.rows[0][-1] == "0%"


def test_too_few_vectors_give_no_distance(arms):
    rng = np.random.default_rng(0)
    few = Arms(arms.examples[:2], {"few": [measured(0.5, rng, windows=0)] * 2}, arms.reference)
    assert few.estimate("few", "FAD 1") is NOTHING
    assert few.estimate("few", MIRDD) is not NOTHING


def test_no_song_gives_both_examples_and_what_they_are_held_against(rehearsal):
    songs = read_songs(rehearsal.held_out)
    ours, others = halves(songs)
    assert not {song.name for song in ours} & {song.name for song in others}
    assert len(ours) + len(others) == len(songs)


def test_arms_of_one_name_or_of_two_kinds_of_windows_are_refused(rehearsal):
    with pytest.raises(ValueError, match="a name of its own"):
        measure_arms(rehearsal, [Arm("a", SHIPPED), Arm("a", SHIPPED)], 256)
    other = replace(Arm("b", SHIPPED), scenario=CHORD_CHANGE)
    with pytest.raises(ValueError, match="two kinds"):
        measure_arms(rehearsal, [Arm("a", SHIPPED), other], 256)
