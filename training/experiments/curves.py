"""How learners come along, as figures and as tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import LogFormatter

from model.network import NetworkConfig
from training.evaluation.plots import COLOURS
from training.experiments.bits import Bits
from training.experiments.estimates import NONE, difference_estimate, mean_estimate
from training.experiments.learner import Course
from training.experiments.page import Table
from training.experiments.progress import FILLED_IN, Progress

ALL_BITS = "bits a frame"
MEANING = (
    "Bits a frame are -log2 of the exact probability of a held-out stem, all levels together, "
    "divided by its frames: less is better, knowing nothing is 44, and half a bit less makes a "
    "frame's true tokens 1.4 times as likely. *Token frequencies alone* is what they cost who "
    "knows nothing but how often stems of an instrument class have each token."
)


def learning_text(
    course: Course, config: NetworkConfig, found: Mapping[str, Progress], windows: int
) -> str:
    """What the learners learn from and how, for the part of a page that says how."""
    first = next(iter(found.values()))
    minutes = sum(song.frames for song in course.train) / 50 / 60
    seen = first.steps[-1] * course.frames_a_step / 50 / 3600
    return (
        f"Small networks (width {config.width}; told mix, instrument, clock, chords and sound; "
        "finer levels in depth unless said otherwise) learn from scratch from "
        f"{len(course.train)} songs, {minutes:.0f} minutes, windows of {config.frames / 50:.2f} s, "
        f"{course.frames_a_step} frames a step, {first.steps[-1]} steps: {seen:.1f} hours of "
        "windows. The learning rate is held after its warm-up, and what is measured is the average "
        "of the last 50 or so steps' weights, so more steps go on from here. All of a window's mix "
        f"is heard. Every figure stands on the same {windows} windows of {len(course.valid)} "
        f"held-out songs, one seed each. {MEANING} Where nothing else is said a masked network's "
        f"stems are filled in {FILLED_IN} passes, in the order it has learnt. In brackets are 95 % "
        "bootstrap intervals over windows: they tell how sure a figure is of these networks, not "
        "how another seed would come out."
    )


def progress_table(found: Mapping[str, Progress], frequencies: Bits, caption: str) -> Table:
    """A row for each learner: what it is, what it took, how good it became beside the first.

    Args:
        frequencies: of the same windows, for who knows token frequencies only [N, Q].
    """
    first = next(iter(found))
    rows: list[tuple[str, ...]] = []
    for name, learner in found.items():
        less = difference_estimate(learner.totals(), found[first].totals())
        rows.append(
            (
                name,
                f"{learner.parameters[0] / 1e6:.2f}",
                f"{learner.parameters[1] / 1e6:.2f}",
                f"{learner.cpu_s[-1] / learner.steps[-1]:.2f}",
                f"{learner.cpu_s[-1] / 60:.1f}",
                mean_estimate(learner.totals()).text(),
                mean_estimate(learner.bits[-1][:, 0]).text(),
                NONE if name == first else less.text(),
            )
        )
    known = mean_estimate(frequencies.sum(1)).text(), mean_estimate(frequencies[:, 0]).text()
    rows.append(("token frequencies alone", *[NONE] * 4, *known, NONE))
    head = (
        "",
        "trunk, M",
        "all, M",
        "core s a step",
        "core min",
        ALL_BITS,
        "of level 1",
        f"less {first}",
    )
    return Table(caption, head, rows)


def steps_table(found: Mapping[str, Progress], caption: str) -> Table:
    """A row for each learner, a column for each milestone: bits a frame."""
    steps = next(iter(found.values())).steps
    rows = [
        (name, *(f"{learner.totals(at).mean():.2f}" for at in range(len(steps))))
        for name, learner in found.items()
    ]
    return Table(caption, ("steps", *map(str, steps)), rows)


def at_time(learner: Progress, cpu_s: float) -> float:
    """Bits a frame after so many seconds of one core; NaN before the first milestone.

    Between milestones a line against the logarithm of the seconds; behind the last one its own.
    """
    totals = [learner.totals(at).mean() for at in range(len(learner.steps))]
    if cpu_s < learner.cpu_s[0]:
        return float("nan")
    return float(np.interp(np.log(cpu_s), np.log(learner.cpu_s), totals))


def draw_curves(found: Mapping[str, Progress]) -> Figure:
    """Bits a frame over steps, and over seconds of one core."""
    figure = Figure(figsize=(9.0, 3.4), layout="constrained")
    by_step, by_time = figure.subplots(1, 2, sharey=True)
    for (name, learner), colour in zip(found.items(), _colours(len(found)), strict=True):
        totals = [learner.totals(at).mean() for at in range(len(learner.steps))]
        by_step.plot(learner.steps, totals, "o-", color=colour, label=name, markersize=4)
        by_time.plot(learner.cpu_s, totals, "o-", color=colour, markersize=4)
    finish(by_step, "steps", f"{ALL_BITS}, held out")
    finish(by_time, "seconds of one core", "")
    by_step.legend(frameon=False, fontsize=8)
    return figure


def finish(axes: Axes, across: str, up: str) -> None:
    """Names of the axes, a logarithmic one across, a light grid."""
    axes.set_xscale("log")
    axes.xaxis.set_major_formatter(LogFormatter(labelOnlyBase=False))
    axes.xaxis.set_minor_formatter(LogFormatter(labelOnlyBase=False, minor_thresholds=(2, 0.4)))
    axes.ticklabel_format(axis="y", useOffset=False)
    axes.set_xlabel(across)
    axes.set_ylabel(up)
    axes.grid(linewidth=0.3)
    axes.spines[["top", "right"]].set_visible(False)


def _colours(count: int) -> Sequence[str]:
    return [COLOURS[at % len(COLOURS)] for at in range(count)]
