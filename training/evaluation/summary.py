"""From measured stems to a report: plain dictionaries, as they are written to `report.json`."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from training.evaluation.difference import Difference, fad_difference, paired_difference
from training.evaluation.examples import Example, group_of
from training.evaluation.fad import ENOUGH, Fad, fad
from training.evaluation.gap import gap_closed
from training.evaluation.measuring import MEASURES, RHYTHM, Measured, column
from training.evaluation.musicnn import FADS
from training.evaluation.scenarios import (
    CAUSAL_BIAS_ONLY,
    CYCLE,
    GUIDANCE_ONLY,
    NAIVE,
    NO_CYCLE,
    NO_CYCLE_NO_CLOCK,
    SHIPPED,
    WHOLE,
    Scenario,
    Variant,
)

TRUE, RANDOM, RANDOM_TIME = "true", "random", "random, out of time"
"""The anchors' names, none of them through the codec; the last is the random one of the measures
in `RHYTHM`."""
CODED = "true, through the codec"
"""What the codec leaves of the true stem: what it lacks, every stem of ours lacks as well."""
OTHER_RANDOM = "another random one"
"""Put in place of ours to check the gap: it should equal the random anchor."""
VERDICTS = IMPROVES, WORSENS, UNSURE = "improves", "worsens", "does not surely change"
"""What a contrast does to a measure, by its 95 % interval."""
ALL = "all"
GROUPS = (ALL, "drums", "bass", "other")


def condition(scenario: Scenario, variant: Variant = SHIPPED) -> str:
    """The name of a scenario with a variant."""
    return f"{scenario.name}/{variant.name}"


CONTRASTS: tuple[tuple[str, str, str], ...] = (
    ("guidance", condition(WHOLE, GUIDANCE_ONLY), condition(WHOLE, NAIVE)),
    ("causal bias", condition(WHOLE, CAUSAL_BIAS_ONLY), condition(WHOLE, NAIVE)),
    ("guidance, causal bias and confidence", condition(WHOLE), condition(WHOLE, NAIVE)),
    ("hearing what is to come", condition(WHOLE), condition(CYCLE)),
    ("the cycle", condition(CYCLE), condition(NO_CYCLE)),
    ("the clock", condition(NO_CYCLE), condition(NO_CYCLE_NO_CLOCK)),
    ("the codec", CODED, TRUE),
)
"""What is asked of pairs of conditions: what changes, with it, without it."""


@dataclass(frozen=True, slots=True, eq=False)
class Population:
    """Examples and what was measured of each, by condition; the conditions are the same in all."""

    examples: tuple[Example, ...]
    measured: tuple[Mapping[str, Measured], ...]

    def stems(self, name: str, group: str = ALL) -> list[Measured]:
        """The stems of a condition, of one group of instruments or of all."""
        pairs = zip(self.examples, self.measured, strict=True)
        return [
            found[name] for example, found in pairs if group in (ALL, group_of(example.instrument))
        ]

    def songs(self, group: str = ALL) -> list[str]:
        """The song of each example, of one group of instruments or of all."""
        return [e.song for e in self.examples if group in (ALL, group_of(e.instrument))]

    @property
    def conditions(self) -> tuple[str, ...]:
        """What was measured."""
        return tuple(self.measured[0]) if self.measured else ()


def gaps(population: Population, name: str) -> dict[str, dict[str, dict[str, Any]]]:
    """The gap closed by a condition, by group and measure, where two examples have a figure."""
    found: dict[str, dict[str, dict[str, Any]]] = {}
    for group in GROUPS:
        ours, true = (population.stems(side, group) for side in (name, TRUE))
        for label in MEASURES:
            random = population.stems(RANDOM_TIME if label in RHYTHM else RANDOM, group)
            try:
                figure = gap_closed(column(ours, label), column(true, label), column(random, label))
            except ValueError:
                continue
            found.setdefault(group, {})[label] = asdict(figure)
    return found


def fads(sides: Sequence[Population], names: Sequence[str]) -> dict[str, dict[str, Fad]]:
    """Each of `FADS` of some conditions from the true stems of all sides, by group of instruments.

    Groups with too few vectors are left out. A condition that several sides have is the first's.
    """
    found: dict[str, dict[str, Fad]] = {label: {} for label in FADS}
    of = {name: side for side in reversed(sides) for name in side.conditions}
    for label, embedding in FADS.items():
        for group in GROUPS:
            ours = {
                name: [m.vectors[embedding] for m in of[name].stems(name, group)] for name in names
            }
            true = [m.vectors[embedding] for side in sides for m in side.stems(TRUE, group)]
            songs = [song for side in sides for song in side.songs(group)]
            figure = fad(ours, true, songs, embedding)
            if figure is not None:
                found[label][group] = figure
    return found


def fad_lines(figures: Mapping[str, Mapping[str, Mapping[str, Any]]]) -> list[str]:
    """The `fads` over all instruments in words: a line for each, or one that says there is none."""
    lines = []
    for label, by_group in figures.items():
        if ALL in by_group:
            told = by_group[ALL]
            distances = ", ".join(f"{name} {far:.2f}" for name, far in told["distances"].items())
            lines.append(
                f"{label} ({told['embedding']}, N = {told['vectors']}): {distances}; "
                f"floor {told['floor']:.2f}."
            )
    return lines or [f"FAD is left out: it is told from {ENOUGH:,} vectors a side on."]


def contrasts(population: Population) -> list[dict[str, Any]]:
    """Each of `CONTRASTS` in each measure and each of `FADS`, over all instruments.

    FAD is left out where there are too few vectors.
    """
    rows = []
    for what, one, other in CONTRASTS:
        with_it, without_it = population.stems(one), population.stems(other)
        for label in MEASURES:
            figure = paired_difference(column(with_it, label), column(without_it, label))
            rows += _contrast(what, one, other, label, True, figure)
        for label, embedding in FADS.items():
            sides = (with_it, without_it, population.stems(TRUE))
            ours, theirs, true = ([m.vectors[embedding] for m in side] for side in sides)
            distance = fad_difference(ours, theirs, true)
            rows += _contrast(what, one, other, label, False, distance)
    return rows


def _contrast(
    what: str, one: str, other: str, label: str, more: bool, figure: Difference | None
) -> list[dict[str, Any]]:
    if figure is None:
        return []
    better = figure.difference > 0 if more else figure.difference < 0
    verdict = (IMPROVES if better else WORSENS) if figure.sure else UNSURE
    row = {"what": what, "with": one, "without": other, "measure": label, "verdict": verdict}
    return [{**row, **asdict(figure)}]


def verdicts(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """The `contrasts` in words: a line for each, with what surely changes and what does not."""
    lines = []
    for what in dict.fromkeys(row["what"] for row in rows):
        parts = []
        for verdict in VERDICTS:
            found = [r for r in rows if r["what"] == what and r["verdict"] == verdict]
            changes = (
                r["measure"]
                if verdict == UNSURE
                else f"{r['measure']} {r['difference']:+.3f} ({r['low']:+.3f} to {r['high']:+.3f})"
                for r in found
            )
            if found:
                parts.append(f"{verdict} {', '.join(changes)}")
        lines.append(f"{what[0].upper()}{what[1:]} {'; '.join(parts)}.")
    return lines


def finite(thing: Any) -> Any:
    """The same for JSON, which has no NaN and no infinity: None in their place."""
    if isinstance(thing, float):
        return thing if math.isfinite(thing) else None
    if isinstance(thing, Mapping):
        return {name: finite(value) for name, value in thing.items()}
    if isinstance(thing, Sequence) and not isinstance(thing, str):
        return [finite(value) for value in thing]
    return thing


def named(figures: Mapping[str, Any], convert: Callable[[Any], Any] = asdict) -> dict[str, Any]:
    """Dataclasses by name as dictionaries."""
    return {name: convert(figure) for name, figure in figures.items()}
