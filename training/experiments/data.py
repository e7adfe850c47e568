"""Quality against the amount and the variety of the music that is learnt from."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from matplotlib.figure import Figure

from model.network import NetworkConfig
from training.evaluation.plots import COLOURS
from training.experiments.bits import Bits
from training.experiments.course import course_of, milestones, small
from training.experiments.curves import ALL_BITS, finish, learning_text
from training.experiments.estimates import mean_estimate
from training.experiments.excerpts import EVERYTHING, Portion
from training.experiments.law import Fit, fit_law
from training.experiments.learner import Course, Learner, songs_of
from training.experiments.page import Page, Table
from training.experiments.progress import Progress, follow
from training.experiments.settings import Settings

QUESTION = "how much music, and from how many songs, until more does not help?"
STEPS = 3200
MINUTES, SPREADS = (4.0, 16.0, 60.0), (1, 3, 9)
TOY_MINUTES, TOY_SPREADS = (0.1, 0.2), (1, 2)
WHAT = """The paper asks how quality depends on the amount and the variety of the data. Here the \
same small network learns from three amounts of music, each in three varieties: from a few songs \
taken whole, from three times as many of which a third is taken, from nine times as many of which \
a ninth is taken. One more learns from everything. What is an hour of music worth, what is it \
worth to have it from more songs, and where does more stop helping?"""


def learners(
    config: NetworkConfig, minutes: Sequence[float], spreads: Sequence[int]
) -> list[Learner]:
    """One for each portion, and one for everything."""
    found = [
        Learner(_name(portion), config, portion=portion)
        for portion in (Portion(most, spread) for most in minutes for spread in spreads)
    ]
    return [*found, Learner(_name(EVERYTHING), config)]


def run(settings: Settings) -> Page:
    """Have all learn, fit the law, and see where it stops."""
    course = course_of(settings)
    steps = milestones(settings, STEPS)
    quick = settings.quick
    minutes, spreads = (TOY_MINUTES, TOY_SPREADS) if quick else (MINUTES, SPREADS)
    config = small(settings)
    every = learners(config, minutes, spreads)
    found = follow(course, every, steps, settings.examples)
    amounts = {learner.name: _amount(course, learner) for learner in every}
    best = {name: _best(progress) for name, progress in found.items()}
    portions = [learner.name for learner in every if learner.portion != EVERYTHING]
    fit = fit_law(
        [amounts[name][0] for name in portions],
        [amounts[name][1] for name in portions],
        [found[name].totals(best[name]) for name in portions],
    )
    learnt_text = learning_text(course, config, found, settings.examples)
    return Page(
        title="Amount and variety of data",
        what=WHAT,
        how=f"{learnt_text} A portion's figure is that of the "
        "milestone at which it was best, as one would stop there. The law is bits = floor + scale "
        "/ minutes^a / songs^v, fitted by least squares to the portions; everything is left out, "
        "so that what the law foretells of it can be held against what was measured. *On its own "
        "songs* is of windows of the songs that a network learnt from, at the same milestone: "
        "what lies between the two is what more songs could take away at this size of network and "
        "this many steps.",
        figure=_draw(found, best, amounts, minutes, spreads, fit),
        caption="Bits a frame of held-out stems over minutes of music, a line for each variety; "
        "the law is dashed.",
        tables=(_portions(found, best, amounts), _law(found, best, amounts, fit)),
    )


def _name(portion: Portion) -> str:
    if portion.minutes is None:
        return "everything"
    part = "whole songs" if portion.spread == 1 else f"1/{portion.spread} of a song"
    return f"{portion.minutes:g} min, {part}"


def _amount(course: Course, learner: Learner) -> tuple[float, int]:
    """Minutes and songs that a learner learns from."""
    songs = songs_of(course, learner)
    return sum(song.frames for song in songs) / 50 / 60, len(songs)


def _best(progress: Progress) -> int:
    """Which milestone has the fewest held-out bits."""
    return int(np.argmin([progress.totals(at).mean() for at in range(len(progress.steps))]))


def _total(bits: Bits) -> float:
    return float(bits.sum(1).mean())


def _portions(
    found: dict[str, Progress], best: dict[str, int], amounts: dict[str, tuple[float, int]]
) -> Table:
    rows = [
        (
            name,
            f"{amounts[name][0]:.1f}",
            str(amounts[name][1]),
            mean_estimate(progress.totals(best[name])).text(),
            f"{_total(progress.own[best[name]]):.2f}",
            f"{_total(progress.bits[-1]):.2f}",
            f"{_total(progress.own[-1]):.2f}",
            str(progress.steps[best[name]]),
        )
        for name, progress in found.items()
    ]
    head = (
        "",
        "minutes",
        "songs",
        ALL_BITS,
        "on its own songs",
        "at the end",
        "on its own songs",
        "best after steps",
    )
    return Table("What each portion is worth.", head, rows)


def _law(
    found: dict[str, Progress],
    best: dict[str, int],
    amounts: dict[str, tuple[float, int]],
    fit: Fit,
) -> Table:
    name = _name(EVERYTHING)
    minutes, songs = (np.array([float(number)]) for number in amounts[name])
    foretold = float(fit.law.bits(minutes, songs)[0])
    measured = mean_estimate(found[name].totals(best[name])).text()
    rows = [
        ("floor, bits a frame", fit.floor.text()),
        ("exponent of minutes, a", fit.amount.text(3)),
        ("exponent of songs, v", fit.variety.text(3)),
        ("distance of the portions from the law, bits a frame", f"{fit.error:.3f}"),
        ("everything, foretold", f"{foretold:.2f}"),
        ("everything, measured", measured),
    ]
    return Table("The law, and what it foretells of everything.", ("", ""), rows)


def _draw(
    found: dict[str, Progress],
    best: dict[str, int],
    amounts: dict[str, tuple[float, int]],
    minutes: Sequence[float],
    spreads: Sequence[int],
    fit: Fit,
) -> Figure:
    figure = Figure(figsize=(6.4, 3.8), layout="constrained")
    axes = figure.subplots()
    for spread, colour in zip(spreads, COLOURS, strict=False):
        names = [_name(Portion(most, spread)) for most in minutes]
        bits = [found[name].totals(best[name]).mean() for name in names]
        across = [amounts[name][0] for name in names]
        songs = [amounts[name][1] for name in names]
        label = f"{songs[0]} to {songs[-1]} songs"
        axes.plot(across, bits, "o", color=colour, label=label, markersize=5)
        line = np.geomspace(across[0], across[-1], 30)
        told = fit.law.bits(line, np.interp(line, across, songs))
        axes.plot(line, told, "--", color=colour, linewidth=1)
    name = _name(EVERYTHING)
    songs_of_all = amounts[name][1]
    axes.plot(
        [amounts[name][0]],
        [found[name].totals(best[name]).mean()],
        "k*",
        label=f"everything, {songs_of_all} songs",
        markersize=9,
    )
    finish(axes, "minutes of music", f"{ALL_BITS}, held out")
    axes.legend(frameon=False, fontsize=8)
    return figure
