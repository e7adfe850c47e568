"""Masked against autoregressive, on one trunk and the same songs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, replace

from matplotlib.figure import Figure

from model.network import NetworkConfig
from training.evaluation.plots import COLOURS
from training.experiments.bits import Bits, Filling
from training.experiments.course import course_of, milestones, small
from training.experiments.curves import (
    ALL_BITS,
    finish,
    learning_text,
    progress_table,
    steps_table,
)
from training.experiments.estimates import mean_estimate
from training.experiments.learner import Course, Learner, network_of, told
from training.experiments.making import Cost, cost_of
from training.experiments.page import Page, Table
from training.experiments.progress import (
    FILLED_IN,
    filled,
    follow,
    known_by_frequency,
    ledger_of,
    windows_of,
)
from training.experiments.settings import Settings
from training.stemgen.sources import sources_of

QUESTION = "masked or autoregressive, on one trunk: how good, in how many seconds?"
STEPS = 3200
FRAMES, LEVELS, ONE_BY_ONE = "masked, whole frames", "masked, by levels", "autoregressive"
PASSES = (1, 2, 4, 8, 16, 32, 64)
"""In which masked networks fill a window."""
WHAT = """A masked network fills a stem in as few passes as one likes, but tells what it fills in \
one pass as if it were independent. An autoregressive one tells each token after all before it, \
and takes a pass for every frame. Here both have the same trunk, embeddings and songs: *whole \
frames* is masked with finer levels told in depth, as the bundled network can be; *by levels* is \
the paper's way; *autoregressive* tells frame after frame, its levels delayed as in MusicGen, \
reads the whole mix first and keeps keys and values. What does each pass buy, and at what price?"""


def learners(config: NetworkConfig) -> list[Learner]:
    """Two masked ones, and one that tells one frame after the other."""
    levels = replace(config, fine="levels")
    return [
        Learner(FRAMES, config),
        Learner(LEVELS, levels),
        Learner(ONE_BY_ONE, levels, autoregressive=True),
    ]


def run(settings: Settings) -> Page:
    """Have all learn, fill held-out stems in more and fewer passes, and count what that costs."""
    course = course_of(settings)
    steps = milestones(settings, STEPS)
    config = small(settings)
    every = learners(config)
    found = follow(course, every, steps, settings.examples)
    known = known_by_frequency(course, every[0], settings.examples)
    passes = PASSES[:4] if settings.quick else PASSES
    priced: list[tuple[str, int, Bits, Cost]] = []
    for learner in every:
        for count in _passes(learner, passes):
            bits = filled(course, learner, steps[-1], settings.examples, Filling(count))
            cost = _cost(course, learner, steps[-1], count)
            priced.append((learner.name, cost.passes, bits, cost))
    learnt_text = learning_text(course, config, found, settings.examples)
    return Page(
        title="Masked or autoregressive",
        what=WHAT,
        how=f"{learnt_text} Masked stems are filled in random "
        "order here. Seconds of one core and arithmetic (matrix products) are of making one "
        f"window of {config.frames} frames without guidance, as the rig would, the least of three "
        "tries; guidance takes each as often as it has terms.",
        figure=_draw(priced),
        caption="Bits a frame of held-out stems over the seconds of one core that a window takes; "
        "each point of a line has twice the passes of the one before it.",
        tables=(
            _prices(priced),
            progress_table(
                found, known, f"What they became, masked ones filled in {FILLED_IN} passes."
            ),
            steps_table(found, "Bits a frame as they learn."),
        ),
    )


def _passes(learner: Learner, passes: Sequence[int]) -> Sequence[int]:
    if learner.autoregressive:
        return [1]
    levels = 1 if learner.config.fine == "depth" else learner.config.levels
    return [count for count in passes if count >= levels]


def _cost(course: Course, learner: Learner, steps: int, passes: int) -> Cost:
    """What a stem costs a learner, measured once."""
    cell = {"learner": told(course, learner), "steps": steps, "cost": passes}

    def work() -> Mapping[str, object]:
        network = network_of(course, learner, steps)
        sources = sources_of(network, windows_of(course.valid, learner, 1))
        return asdict(cost_of(network, sources, learner.config.frames, passes))

    return Cost(**ledger_of(course).measure(cell, work))


def _prices(priced: Sequence[tuple[str, int, Bits, Cost]]) -> Table:
    rows = [
        (
            name,
            str(passes),
            mean_estimate(bits.sum(1)).text(),
            mean_estimate(bits[:, 0]).text(),
            f"{cost.cpu_s:.2f}",
            f"{cost.gflop:.1f}",
        )
        for name, passes, bits, cost in priced
    ]
    head = ("", "passes", ALL_BITS, "of level 1", "core s a window", "GFLOP a window")
    return Table("What passes buy, and what a window costs.", head, rows)


def _draw(priced: Sequence[tuple[str, int, Bits, Cost]]) -> Figure:
    figure = Figure(figsize=(6.4, 3.6), layout="constrained")
    axes = figure.subplots()
    for name, colour in zip((FRAMES, LEVELS, ONE_BY_ONE), COLOURS, strict=False):
        points = [(cost.cpu_s, bits.sum(1).mean()) for n, _, bits, cost in priced if n == name]
        axes.plot(*zip(*points, strict=True), "o-", color=colour, label=name, markersize=4)
    finish(axes, "seconds of one core for a window", f"{ALL_BITS}, held out")
    axes.legend(frameon=False, fontsize=8)
    return figure
