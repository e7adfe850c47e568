"""Sums of what was measured: the anchors are 1 and 0, groups are apart, differences have a sign."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from training.evaluation.examples import Example, group_of
from training.evaluation.measuring import MEASURES, RHYTHM, Measured
from training.evaluation.musicnn import EMBEDDINGS
from training.evaluation.scenarios import conditions
from training.evaluation.summary import (
    CODED,
    CONTRASTS,
    GROUPS,
    RANDOM,
    RANDOM_TIME,
    TRUE,
    Population,
    condition,
    contrasts,
    fad_lines,
    fads,
    finite,
    gaps,
    verdicts,
)

COUNT = 30
INSTRUMENTS = ("drums", "bass", "piano")
NAMES = tuple(condition(*pair) for pair in conditions())


def measured(
    mean: float, rng: np.random.Generator, more: np.random.Generator | None = None
) -> Measured:
    figures = {label: float(rng.normal(mean, 0.05)) for label in MEASURES}
    first = rng.normal(mean, 1, (4, 3))
    rest = [(more or rng).normal(mean, 1, (68, 3)) for _ in EMBEDDINGS]
    vectors = {
        name: np.concatenate([first, other]).astype(np.float32)
        for name, other in zip(EMBEDDINGS, rest, strict=True)
    }
    return Measured(figures, vectors, None, np.zeros((4, 64), np.float32), False)


def population(**means: float) -> Population:
    """True stems around 0.8, through the codec around 0.7, random ones around 0.3, in or out of
    time; all others where they are told, or at 0.5. Each example is of a song of its own."""
    rng = np.random.default_rng(0)
    examples = tuple(
        Example(f"{n:05}", "", 0, 4, ("a.flac",), "b.flac", INSTRUMENTS[n % 3], 120.0, 4, ())
        for n in range(COUNT)
    )
    anchors = {TRUE: 0.8, CODED: 0.7, RANDOM: 0.3, RANDOM_TIME: 0.3}
    means = {**anchors, **dict.fromkeys(NAMES, 0.5), **means}
    more = np.random.default_rng(1)  # so that the figures do not depend on how many vectors are
    rows = tuple(
        {name: measured(mean, more if name == CODED else rng, more) for name, mean in means.items()}
        for _ in examples
    )
    return Population(examples, rows)


@pytest.mark.parametrize(
    ("anchor", "share", "judged"),
    [
        (TRUE, 1.0, set(MEASURES)),
        (RANDOM, 0.0, set(MEASURES) - RHYTHM),
        (RANDOM_TIME, 0.0, RHYTHM),
    ],
)
def test_an_anchor_in_place_of_ours_closes_all_of_the_gap_or_none(anchor, share, judged):
    for by_measure in gaps(population(), anchor).values():
        assert set(by_measure) == set(MEASURES)
        for gap in (by_measure[label] for label in judged):
            assert gap["distinct"]
            assert (gap["closed"], gap["low"], gap["high"]) == pytest.approx((share,) * 3, abs=1e-9)


def test_two_fifths_of_the_way():
    figures = gaps(population(), "whole/shipped")["all"]
    for gap in figures.values():
        assert gap["closed"] == pytest.approx(0.4, abs=0.08)
        assert gap["low"] < 0.4 < gap["high"] and gap["examples"] == COUNT


def test_what_the_codec_costs_is_missing_from_the_true_stem():
    for gap in gaps(population(), CODED)["all"].values():
        assert gap["closed"] == pytest.approx(0.8, abs=0.08) and gap["true"] > gap["ours"]
    of = {row["measure"]: row for row in contrasts(population()) if row["what"] == "the codec"}
    assert {of[label]["verdict"] for label in MEASURES} == {"worsens"}
    assert of["FAD 1"]["difference"] > 0 and of["FAD 2"]["difference"] > 0


def test_groups_hold_their_instruments_only():
    found = gaps(population(), "whole/shipped")
    assert tuple(found) == GROUPS
    counts = {group: side["grid onsets"]["examples"] for group, side in found.items()}
    assert counts == {"all": 30, "drums": 10, "bass": 10, "other": 10}
    assert [group_of(name) for name in INSTRUMENTS] == ["drums", "bass", "other"]


def test_a_measure_that_nobody_has_is_left_out():
    whole = population()
    rows = []
    for found in whole.measured:
        side = {**found[TRUE].figures, "key": float("nan")}
        rows.append({**found, TRUE: replace(found[TRUE], figures=side)})
    found = gaps(Population(whole.examples, tuple(rows)), "whole/shipped")["all"]
    assert set(found) == set(MEASURES) - {"key"}


def test_a_contrast_says_what_surely_improves_and_what_does_not():
    better = population(**{"whole/guidance only": 0.7, "whole/naive": 0.4})
    rows = contrasts(better)
    of = {(row["what"], row["measure"]): row for row in rows}
    assert {what for what, _ in of} == {what for what, *_ in CONTRASTS}
    for label in MEASURES:
        assert of["guidance", label]["verdict"] == "improves"
        expected = np.mean(
            [
                found["whole/guidance only"].figures[label] - found["whole/naive"].figures[label]
                for found in better.measured
            ]
        )
        assert of["guidance", label]["difference"] == pytest.approx(expected)
    # Nearer to the true stems' mean of 0.8, so less FAD.
    assert of["guidance", "FAD 1"]["difference"] < 0
    assert of["guidance", "FAD 2"]["difference"] < 0
    line = verdicts(rows)[0]
    assert line.startswith("Guidance improves grid onsets +0.")
    assert f" key {of['guidance', 'key']['difference']:+.3f} (" in line


def test_no_difference_is_called_that():
    same = population()
    rows = []
    for found in same.measured:
        rows.append({**found, "whole/causal bias only": found["whole/naive"]})
    of = [
        r for r in contrasts(Population(same.examples, tuple(rows))) if r["what"] == "causal bias"
    ]
    assert {row["verdict"] for row in of} == {"does not surely change"}
    assert {row["difference"] for row in of} == {0.0}
    assert verdicts(of)[0].startswith("Causal bias does not surely change grid onsets, ")


def test_fad_is_from_the_true_stems_of_both_sides_in_each_embedding():
    near, far = population(**{"whole/shipped": 0.8}), population(**{"cycle/shipped": 5.0})
    found = fads((near, far), ("whole/shipped", CODED))
    assert list(found) == ["FAD 1", "FAD 2"]
    for embedding, by_group in zip(EMBEDDINGS, found.values(), strict=True):
        # In a group there are 720 vectors a side, in all 2160.
        assert set(by_group) == {"all"}
        figure = by_group["all"]
        assert (figure.vectors, figure.embedding) == (2160, embedding)
        assert figure.distances["whole/shipped"] < 0.1 and figure.floor < 0.1
    assert fads((far, near), ("cycle/shipped",))["FAD 1"]["all"].distances["cycle/shipped"] > 10


def test_fad_in_words_has_its_floor_or_says_that_it_is_left_out():
    figure = {"distances": {"a": 5.0, CODED: 1.25}, "floor": 1.5, "vectors": 1000, "embedding": "e"}
    assert fad_lines({"FAD 1": {"all": figure, "bass": figure}, "FAD 2": {}}) == [
        "FAD 1 (e, N = 1000): a 5.00, true, through the codec 1.25; floor 1.50."
    ]
    (line,) = fad_lines({"FAD 1": {}, "FAD 2": {}})
    assert "left out" in line and "1,000 vectors" in line


def test_what_json_does_not_have_becomes_none():
    thing = {"a": [1.5, float("nan")], "b": {"c": -np.inf, "d": "text"}, "e": (1, None, True)}
    assert finite(thing) == {"a": [1.5, None], "b": {"c": None, "d": "text"}, "e": [1, None, True]}
    json.dumps(finite(thing), allow_nan=False)
