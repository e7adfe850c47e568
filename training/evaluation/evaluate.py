"""One run, one report: examples are drawn, stems made, measured, and summed up in a folder."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.progress import track

from model.generator import load_generator
from training.evaluation.copying import Library
from training.evaluation.examples import Example, draw_examples
from training.evaluation.fingerprint import Fingerprints, fingerprint
from training.evaluation.generation import (
    Generated,
    RandomStem,
    Recipe,
    Store,
    TrueStem,
    each,
)
from training.evaluation.held_out import read_songs
from training.evaluation.measuring import MeasuringJob, measure
from training.evaluation.page import write_page
from training.evaluation.populations import (
    copying_figures,
    entropies,
    mean_variety,
    mirdd_figures,
    read_library,
)
from training.evaluation.recordings import (
    PARTS,
    RecordingStem,
    measure_recordings,
    read_recordings,
)
from training.evaluation.scenarios import CYCLE, NAIVE, SCENARIOS, SHIPPED, VARIANTS, WHOLE
from training.evaluation.scenarios import conditions as scenarios_and_variants
from training.evaluation.summary import (
    CODED,
    OTHER_RANDOM,
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
    named,
    verdicts,
)
from training.loop import prepare_process

REPORT = "report"
"""Folder in the run's folder that holds the report, and nothing else."""
VARIED_EXAMPLES, TAKES = 12, 3
"""How many examples are made again with other dice, and how often."""
DESCRIBED = frozenset(
    {TRUE, CODED, RANDOM, condition(WHOLE), condition(WHOLE, NAIVE), condition(CYCLE)}
)
"""Conditions whose descriptors are compared; they cost as much as all other measures."""


@dataclass(frozen=True, slots=True)
class ReportSettings:
    """What a report is made of.

    Attributes:
        held_out: folder of held-out songs.
        recordings: folder of real recordings and their index.
        band: folder of the training songs, to look for copies in; None: not looked for.
        weights: folder of the generator; None: the bundled one.
        out: folder to write to.
        examples: windows a scenario.
        seed: of the examples.
        workers: processes.
    """

    held_out: Path
    recordings: Path
    band: Path | None
    weights: Path | None
    out: Path
    examples: int
    seed: int
    workers: int


class Stages:
    """How long each stage took."""

    def __init__(self) -> None:
        """Nothing has been done yet."""
        self.seconds: dict[str, float] = {}
        self._since = time.perf_counter()

    def done(self, name: str) -> None:
        """A stage is over, the next one begins."""
        now = time.perf_counter()
        self.seconds[name] = round(now - self._since, 1)
        self._since = now


def recipes_of(settings: ReportSettings, example: Example, repeating: bool) -> dict[str, Recipe]:
    """Every stem of an example by the name of its condition."""
    held_out = settings.held_out
    recipes: dict[str, Recipe] = {
        TRUE: TrueStem(held_out, example),
        CODED: TrueStem(held_out, example, codec=True),
        RANDOM: RandomStem(held_out, example),
        RANDOM_TIME: RandomStem(held_out, example, on_the_bar=False),
    }
    for scenario, variant in scenarios_and_variants():
        if scenario.repeating == repeating:
            recipes[condition(scenario, variant)] = Generated(
                held_out, example, scenario, variant, 0
            )
    if repeating:
        recipes[OTHER_RANDOM] = RandomStem(held_out, example, which=1)
    return recipes


def write_report(settings: ReportSettings) -> dict[str, Any]:
    """Make what is missing, measure everything, write `report.json` and the page.

    Raises:
        TrainingError: songs, recordings or weights are missing.
    """
    print = Console(highlight=False).print
    prepare_process(1)  # several workers, one thread each
    stages = Stages()
    max_frames = load_generator("cpu", settings.weights).max_frames
    songs = read_songs(settings.held_out)
    recordings = read_recordings(settings.recordings)
    drawn = {
        repeating: draw_examples(songs, settings.examples, settings.seed, max_frames, repeating)
        for repeating in (True, False)
    }
    stages.done("draw examples")
    library = None
    if settings.band is not None:
        library = read_library(settings.band, settings.out / "library", settings.workers)
        stages.done("read training songs")
    store = Store(settings.out / "stems", settings.weights)
    recipes = {
        repeating: [recipes_of(settings, example, repeating) for example in examples]
        for repeating, examples in drawn.items()
    }
    takes = [
        [Generated(settings.held_out, example, WHOLE, SHIPPED, take) for take in range(TAKES)]
        for example in drawn[True][:VARIED_EXAMPLES]
    ]
    by_condition: dict[str, list[Recipe]] = {"other takes": [r for side in takes for r in side[1:]]}
    for side in recipes.values():
        for example_recipes in side:
            for name, recipe in example_recipes.items():
                by_condition.setdefault(name, []).append(recipe)
    by_condition["recordings"] = [RecordingStem(r, part) for r in recordings for part in PARTS]
    core_seconds = store.make(by_condition, settings.workers)
    stages.done("generate")
    populations = {
        repeating: _measured(settings, store, drawn[repeating], recipes[repeating])
        for repeating in (True, False)
    }
    stages.done("measure")
    report = _summed_up(settings, populations, store, recipes)
    report["collapse"]["variety"] = {
        "mean": mean_variety(_prints(store, takes)),
        "examples": len(takes),
        "takes": TAKES,
    }
    report["recordings"] = named(measure_recordings(store, recordings))
    if library is not None:
        report["copying"] = _copying(*library, populations[True])
    stages.done("sum up")
    report["seconds"] = stages.seconds
    report["core_seconds"] = {name: round(spent, 1) for name, spent in core_seconds.items()}
    report = finite(report)
    folder = settings.out / REPORT
    folder.mkdir(parents=True, exist_ok=True)
    text = json.dumps(report, indent=1, ensure_ascii=False) + "\n"
    (folder / "report.json").write_text(text, encoding="utf-8")
    write_page(folder, report, settings.held_out, store, drawn[True], recipes[True])
    for line in (*verdicts(report["contrasts"]), *fad_lines(report["fad"])):
        print(line, soft_wrap=True)
    print(f"seconds by stage: {stages.seconds}")
    print(f"report: {folder / 'index.html'}")
    return report


def _measured(
    settings: ReportSettings,
    store: Store,
    examples: tuple[Example, ...],
    recipes: list[dict[str, Recipe]],
) -> Population:
    kept = settings.out / "measured"
    kept.mkdir(parents=True, exist_ok=True)
    jobs = [
        MeasuringJob(
            settings.held_out,
            example,
            tuple((name, store.path(recipe)) for name, recipe in wanted.items()),
            described=DESCRIBED & wanted.keys() if condition(WHOLE) in wanted else frozenset(),
            embedded=frozenset(wanted.keys() - {OTHER_RANDOM, RANDOM_TIME}),
            kept=kept,
        )
        for example, wanted in zip(examples, recipes, strict=True)
    ]
    found = track(each(measure, jobs, settings.workers), "measuring", total=len(jobs))
    return Population(examples, tuple(found))


def _summed_up(
    settings: ReportSettings,
    populations: Mapping[bool, Population],
    store: Store,
    recipes: Mapping[bool, list[dict[str, Recipe]]],
) -> dict[str, Any]:
    repeating, changing = populations[True], populations[False]
    of = {name: side for side in (changing, repeating) for name in side.conditions}
    ours = [condition(*pair) for pair in scenarios_and_variants()]
    described = {
        name: [m.descriptors for m in repeating.stems(name) if m.descriptors is not None]
        for name in sorted(DESCRIBED)
    }
    distances = fads((repeating, changing), (*ours, CODED, RANDOM))
    tokens = {
        name: entropies([store.read(r[name]).tokens for r in recipes[of[name] is repeating]])
        for name in (*ours, CODED)
    }
    silent = {
        name: sum(m.silent for m in of[name].stems(name)) / len(of[name].examples)
        for name in (*ours, CODED, TRUE)
    }
    return {
        "weights": store.digest,
        "settings": {
            "seed": settings.seed,
            "examples": settings.examples,
            "songs": len(read_songs(settings.held_out)),
        },
        "examples": {
            kind: [
                {"name": e.name, "song": e.song, "instrument": e.instrument, "tempo": e.tempo}
                for e in population.examples
            ]
            for kind, population in (("repeating", repeating), ("changing", changing))
        },
        "scenarios": {
            s.name: {"text": s.text, "gaps": gaps(of[condition(s)], condition(s))}
            for s in SCENARIOS
        },
        "variants": {
            v.name: {"text": v.text, "gaps": gaps(repeating, condition(WHOLE, v))} for v in VARIANTS
        },
        "codec": {"repeating": gaps(repeating, CODED), "changing": gaps(changing, CODED)},
        "checks": {OTHER_RANDOM: gaps(repeating, OTHER_RANDOM)},
        "contrasts": contrasts(repeating),
        "fad": {label: named(by_group) for label, by_group in distances.items()},
        "mirdd": mirdd_figures(
            {name: side for name, side in described.items() if name != TRUE},
            described[TRUE],
            settings.seed,
        ),
        "collapse": {"silent": silent, "entropy_bits": tokens},
    }


def _prints(store: Store, takes: list[list[Generated]]) -> list[list[Fingerprints]]:
    return [
        [fingerprint(store.read(r).audio, r.example.tempo, r.example.beats_per_bar) for r in side]
        for side in takes
    ]


def _copying(library: Library, songs: int, population: Population) -> dict[str, Any]:
    # Through the codec, as ours are, so that it does not make ours less like anything.
    held_out = [m.prints for m in population.stems(CODED)]
    found = {}
    for name in (condition(WHOLE), condition(CYCLE)):
        ours = [m.prints for m in population.stems(name)]
        figure = copying_figures(library, songs, ours, held_out)
        if figure is not None:
            found[name] = asdict(figure)
    return found
