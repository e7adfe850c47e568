"""Token order: does the causal bias belong into training, or into sampling alone?"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from matplotlib.figure import Figure

from model.network import NetworkConfig
from training.experiments.bits import Bits, Filling
from training.experiments.course import course_of, milestones, small
from training.experiments.curves import ALL_BITS, learning_text, progress_table, steps_table
from training.experiments.estimates import difference_estimate, mean_estimate
from training.experiments.learner import Learner
from training.experiments.orders import CAUSAL, CONFIDENCE, ORDERS, RANDOM, WEIGHT
from training.experiments.page import Page, Table
from training.experiments.progress import filled, follow, known_by_frequency
from training.experiments.settings import Settings

QUESTION = "is the causal bias a matter of learning, or of sampling?"
STEPS = 6400
PASSES = (8, 32)
"""In which held-out stems are filled in each order."""
WHAT = f"""When the paper's network fills a stem, frames that come earlier are likelier to be \
filled first; in training its masks are random. Perhaps the network should learn from masks in the \
order that it will be asked in. Here three networks learn from masks in three orders: *{RANDOM}*; \
*{CAUSAL}*, the front is visible sooner; *{CONFIDENCE}*, those frames are visible sooner that the \
network is surest of. Then each fills held-out stems in each of the three orders. If causal \
sampling helps only who has learnt it, it is a matter of learning; if it helps all alike, of \
sampling."""

Matrix = dict[tuple[str, str, int], Bits]
"""Bits by the order that was learnt, that of filling, and passes."""


def learners(config: NetworkConfig) -> list[Learner]:
    """One for each order."""
    return [Learner(f"learnt {order}", config, order) for order in ORDERS]


def run(settings: Settings) -> Page:
    """Have all learn, and fill held-out stems in every order."""
    course = course_of(settings)
    steps = milestones(settings, STEPS)
    config = small(settings)
    every = learners(config)
    found = follow(course, every, steps, settings.examples)
    known = known_by_frequency(course, every[0], settings.examples)
    passes = PASSES[:1] if settings.quick else PASSES
    matrix: Matrix = {
        (learner.order, order, count): filled(
            course, learner, steps[-1], settings.examples, Filling(count, order)
        )
        for learner in every
        for order in ORDERS
        for count in passes
    }
    learnt_text = learning_text(course, config, found, settings.examples)
    return Page(
        title="Token order: learnt or sampled?",
        what=WHAT,
        how=f"{learnt_text} An order is a frame's place in it, "
        f"0 to 1, times {WEIGHT:.2f} beside dice from 0 to 1, in training and in filling: that of "
        "the causal bias at 8 steps. Confidence is the probability of a frame's likeliest first "
        "token: in training asked once, before anything is filled, in filling at each pass.",
        figure=_draw(matrix, passes),
        caption="Bits a frame of held-out stems: the order that was learnt from top to bottom, the "
        "order of filling from left to right; less is better.",
        tables=(
            *(_matrix(matrix, count) for count in passes),
            *(_gains(matrix, count) for count in passes),
            progress_table(found, known, "What they became, each filled in its own order."),
            steps_table(found, "Bits a frame as they learn."),
        ),
    )


def _matrix(matrix: Mapping[tuple[str, str, int], Bits], passes: int) -> Table:
    rows = [
        (
            f"learnt {learnt}",
            *(mean_estimate(matrix[learnt, order, passes].sum(1)).text() for order in ORDERS),
        )
        for learnt in ORDERS
    ]
    head = ("", *(f"filled {order}" for order in ORDERS))
    return Table(f"{ALL_BITS.capitalize()}, filled in {passes} passes.", head, rows)


def _gains(matrix: Mapping[tuple[str, str, int], Bits], passes: int) -> Table:
    """What an order is worth in sampling alone, in learning alone, and in both."""
    base = matrix[RANDOM, RANDOM, passes].sum(1)
    rows = []
    for order in (CAUSAL, CONFIDENCE):
        ways = ((RANDOM, order), (order, RANDOM), (order, order))
        told = [difference_estimate(matrix[*way, passes].sum(1), base).text() for way in ways]
        rows.append((order, *told))
    head = ("", "filled so", "learnt so", "both")
    return Table(
        f"What an order changes beside random in both, in {passes} passes: bits a frame, paired; "
        "below 0 it helps.",
        head,
        rows,
    )


def _draw(matrix: Mapping[tuple[str, str, int], Bits], passes: Sequence[int]) -> Figure:
    figure = Figure(figsize=(4.4 * len(passes), 3.2), layout="constrained")
    panels = figure.subplots(1, len(passes), squeeze=False)[0]
    for axes, count in zip(panels, passes, strict=True):
        told = np.array([[matrix[a, b, count].sum(1).mean() for b in ORDERS] for a in ORDERS])
        axes.imshow(told, cmap="viridis_r", aspect="auto")
        for (row, line), bits in np.ndenumerate(told):
            colour = "w" if bits > told.mean() else "k"
            axes.text(line, row, f"{bits:.2f}", ha="center", va="center", color=colour, fontsize=9)
        axes.set_xticks(range(len(ORDERS)), ORDERS, fontsize=8)
        axes.set_yticks(range(len(ORDERS)), ORDERS, fontsize=8)
        axes.set_title(f"{count} passes", fontsize=9)
        axes.set_xlabel("order of filling")
    panels[0].set_ylabel("order that was learnt")
    return figure
