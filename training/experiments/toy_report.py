"""A made report of an evaluation: its figures are chance around where they might lie."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from training.evaluation.examples import Example
from training.evaluation.measuring import MEASURES, Measured
from training.evaluation.musicnn import EMBEDDINGS
from training.evaluation.scenarios import SCENARIOS
from training.evaluation.scenarios import conditions as scenarios_and_variants
from training.evaluation.summary import (
    CODED,
    RANDOM,
    RANDOM_TIME,
    TRUE,
    Population,
    condition,
    contrasts,
    finite,
    gaps,
)

COUNT = 12
ANCHORS = {TRUE: 0.8, CODED: 0.7, RANDOM: 0.3, RANDOM_TIME: 0.3}
"""Where their figures lie on average; ours lie in between."""
OURS, SPREAD = 0.6, 0.05


def write_toy_report(file: Path) -> None:
    """Write the part of a `report.json` that experiments read."""
    rng = np.random.default_rng(0)
    ours = dict.fromkeys((condition(*pair) for pair in scenarios_and_variants()), OURS)
    examples = tuple(
        Example(f"{n:05}", "", 0, 4, ("a.flac",), "b.flac", "bass", 120.0, 4, ())
        for n in range(COUNT)
    )
    population = Population(
        examples,
        tuple(
            {name: _measured(mean, rng) for name, mean in {**ANCHORS, **ours}.items()}
            for _ in examples
        ),
    )
    report = {
        "weights": "none",
        "settings": {"seed": 0, "examples": COUNT, "songs": COUNT},
        "scenarios": {
            scenario.name: {"text": scenario.text, "gaps": gaps(population, condition(scenario))}
            for scenario in SCENARIOS
        },
        "codec": {"repeating": gaps(population, CODED)},
        "contrasts": contrasts(population),
        "fad": {},
    }
    file.write_text(json.dumps(finite(report)), encoding="utf-8")


def _measured(mean: float, rng: np.random.Generator) -> Measured:
    figures = {label: float(rng.normal(mean, SPREAD)) for label in MEASURES}
    vectors = {name: np.zeros((0, 1), np.float32) for name in EMBEDDINGS}
    return Measured(figures, vectors, None, np.zeros((0, 1), np.float32), False)
