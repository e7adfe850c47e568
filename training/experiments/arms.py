"""Ways to make stems, measured on the same examples: how well each fits, and how far it is off.

What is measured is what `training.evaluation` measures. Half of the songs give the examples; true
stems of the other half are what populations are held against, so that no song is on both sides.
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from rich.progress import track

from training.evaluation.descriptors import Descriptors
from training.evaluation.examples import Example, draw_examples
from training.evaluation.fad import Reference
from training.evaluation.generation import Generated, Recipe, Store, TrueStem, each
from training.evaluation.held_out import HeldOutSong, read_songs
from training.evaluation.measuring import Measured, MeasuringJob, column, measure
from training.evaluation.mirdd import mirdd
from training.evaluation.musicnn import FADS
from training.evaluation.scenarios import WHOLE, Scenario, Variant
from training.experiments.estimates import (
    Estimate,
    difference_estimate,
    mean_estimate,
    population_estimate,
)
from training.experiments.settings import Settings

FIT = (
    "learned coherence",
    "notes in the chord",
    "grid onsets",
    "onsets with the context's",
)
"""The measures of single stems that a page tells, of `training.evaluation.measuring.MEASURES`."""
MIRDD = "MIRDD (ours)"
"""With open estimators: not comparable with the paper's."""
POPULATION = (*FADS, MIRDD)
"""The measures of whole populations; in these less is better."""
TRUE = "true stems"
REFERENCE = 96
"""True stems that populations are held against."""


@dataclass(frozen=True, slots=True)
class Arm:
    """One way to make stems.

    Attributes:
        name: as the tables have it; each arm its own.
        variant: guidance, its form, and how it decodes.
        weights: folder of the generator; None: that of the settings.
        scenario: what is heard.
    """

    name: str
    variant: Variant
    weights: Path | None = None
    scenario: Scenario = WHOLE


@dataclass(frozen=True, slots=True, eq=False)
class Arms:
    """What was measured of some arms, and of the true stems, on the same examples.

    Attributes:
        examples: that all were made for.
        measured: of each example, by the name of the arm; `TRUE` is one.
        reference: true stems of other songs.
    """

    examples: tuple[Example, ...]
    measured: Mapping[str, Sequence[Measured]]
    reference: Sequence[Measured]
    _told: dict[tuple[str, str], Estimate] = field(default_factory=dict)
    _references: dict[str, Reference | None] = field(default_factory=dict)

    def figures(self, arm: str, label: str) -> NDArray[np.float64]:
        """One of `FIT` of each stem of an arm: [examples]."""
        return column(self.measured[arm], label)

    def estimate(self, arm: str, label: str) -> Estimate:
        """One of `FIT` or of `POPULATION` of an arm."""
        if (arm, label) not in self._told:  # those of populations take long
            self._told[arm, label] = self._estimate(arm, label)
        return self._told[arm, label]

    def _estimate(self, arm: str, label: str) -> Estimate:
        if label not in POPULATION:
            return mean_estimate(self.figures(arm, label))
        return population_estimate(len(self.examples), lambda n: self._distance(arm, label, n))

    def change(self, arm: str, other: str, label: str) -> Estimate:
        """How much more of a measure one arm has than another, on the same examples."""
        if label not in POPULATION:
            return difference_estimate(self.figures(arm, label), self.figures(other, label))
        return population_estimate(
            len(self.examples),
            lambda n: self._distance(arm, label, n) - self._distance(other, label, n),
        )

    def silent(self, arm: str) -> float:
        """Share of an arm's stems that are silent."""
        return float(np.mean([stem.silent for stem in self.measured[arm]]))

    def _distance(self, arm: str, label: str, places: NDArray[np.int64]) -> float:
        """How far examples at some places [n], some of them twice, are from the reference."""
        side = [self.measured[arm][place] for place in places]
        if label == MIRDD:
            return mirdd(_described(side), _described(self.reference)).mean
        embedding = FADS[label]
        ours = np.concatenate([stem.vectors[embedding] for stem in side])
        reference = self._held_against(embedding)
        return math.nan if reference is None or len(ours) < 2 else reference.distance(ours)

    def _held_against(self, embedding: str) -> Reference | None:
        """The reference in an embedding; None where there is too little of it."""
        if embedding not in self._references:
            true = np.concatenate([stem.vectors[embedding] for stem in self.reference])
            self._references[embedding] = Reference(true) if len(true) > 1 else None
        return self._references[embedding]


def measure_arms(
    settings: Settings, arms: Sequence[Arm], max_frames: int, reference: int = REFERENCE
) -> Arms:
    """Make the stems that are missing, on all cores that there are, and measure them.

    Everything is kept in `settings.out`, so that a run that was killed goes on.

    Args:
        arms: their scenarios have windows of one kind, see `Scenario.repeating`.
        max_frames: longest window of all their networks.
        reference: how many true stems to hold populations against.

    Raises:
        TrainingError: songs or weights are missing.
        ValueError: two arms of one name, or windows of two kinds.
    """
    if len({arm.name for arm in arms} | {TRUE}) != len(arms) + 1:
        raise ValueError(f"arms are {[arm.name for arm in arms]}; valid: a name of its own each")
    kinds = {arm.scenario.repeating for arm in arms}
    if len(kinds) > 1:
        raise ValueError("scenarios have windows of two kinds; valid: one")
    ours, others = halves(read_songs(settings.held_out))
    seed, repeating = settings.seed, kinds != {False}
    examples = draw_examples(ours, settings.examples, seed, max_frames, repeating)
    count = 2 if settings.quick else reference
    held_against = draw_examples(others, count, seed, max_frames, repeating)
    wanted = {TRUE: _Side(settings.weights, _true(settings, examples))}
    for arm in arms:
        recipes = [
            Generated(settings.held_out, example, arm.scenario, arm.variant, 0)
            for example in examples
        ]
        wanted[arm.name] = _Side(arm.weights or settings.weights, recipes)
    against = {TRUE: _Side(settings.weights, _true(settings, held_against))}
    return Arms(
        examples,
        _measured(settings, wanted, examples),
        _measured(settings, against, held_against)[TRUE],
    )


def halves(
    songs: Sequence[HeldOutSong],
) -> tuple[tuple[HeldOutSong, ...], tuple[HeldOutSong, ...]]:
    """Every other song, and the rest."""
    return tuple(songs[::2]), tuple(songs[1::2])


@dataclass(frozen=True, slots=True)
class _Side:
    """The stems of one arm: with which weights, and how each is made."""

    weights: Path | None
    recipes: Sequence[Recipe]


def _true(settings: Settings, examples: Sequence[Example]) -> list[Recipe]:
    return [TrueStem(settings.held_out, example) for example in examples]


def _measured(
    settings: Settings,
    wanted: Mapping[str, _Side],
    examples: Sequence[Example],
) -> dict[str, list[Measured]]:
    """The stems of each example by name: those that are missing are made, all are measured."""
    workers = _workers(settings)
    stores = {
        weights: Store(settings.out / "stems", weights)
        for weights in dict.fromkeys(side.weights for side in wanted.values())
    }
    for weights, store in stores.items():
        sides = {name: side for name, side in wanted.items() if side.weights == weights}
        store.make({name: side.recipes for name, side in sides.items()}, workers)
    kept = settings.out / "measured"
    kept.mkdir(parents=True, exist_ok=True)
    names = frozenset(wanted)
    jobs = [
        MeasuringJob(
            settings.held_out,
            example,
            tuple(
                (name, stores[side.weights].path(side.recipes[at])) for name, side in wanted.items()
            ),
            described=names,
            embedded=names,
            kept=kept,
        )
        for at, example in enumerate(examples)
    ]
    found = list(track(each(measure, jobs, workers), "measuring", total=len(jobs)))
    return {name: [example[name] for example in found] for name in wanted}


def _workers(settings: Settings) -> int:
    """Processes: one for each core that this one may use, but one for what takes seconds."""
    if settings.quick:
        return 1
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed else os.cpu_count() or 1


def _described(side: Sequence[Measured]) -> list[Descriptors]:
    found = []
    for stem in side:
        assert stem.descriptors is not None  # they are asked for in `_measured`
        found.append(stem.descriptors)
    return found
