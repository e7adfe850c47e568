"""Trunks: a transformer, an LSTM and convolutions, as large as each other."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from model.network import NetworkConfig
from training.experiments.course import course_of, milestones, small
from training.experiments.curves import (
    at_time,
    draw_curves,
    learning_text,
    progress_table,
    steps_table,
)
from training.experiments.estimates import NONE
from training.experiments.learner import Learner
from training.experiments.page import Page, Table
from training.experiments.progress import Progress, follow, known_by_frequency
from training.experiments.settings import Settings

QUESTION = "transformer, LSTM or convolution, of one size and for one time?"
STEPS = 6400
LAYERS = {"recurrent": 3, "convolution": 7}
"""Layers that have as many parameters as the transformer's four, within a ninth."""
WHAT = """The paper says of its masked network that it is "broadly agnostic to the network type", \
and tries a transformer only. Here the trunk alone is changed: attention, bidirectional LSTMs, or \
dilated convolutions that see 0.7 s to either side. Which learns most from the same songs in the \
same steps, and which in the same time?"""


def learners(config: NetworkConfig) -> list[Learner]:
    """One for each trunk."""
    found = [Learner("transformer", config)]
    for name, backbone in (("LSTM", "recurrent"), ("convolution", "convolution")):
        layers = max(1, LAYERS[backbone] * config.layers // 4)
        found.append(Learner(name, replace(config, backbone=backbone, layers=layers)))
    return found


def run(settings: Settings) -> Page:
    """Have all learn, and tell how far they came."""
    course = course_of(settings)
    steps = milestones(settings, STEPS)
    config = small(settings)
    every = learners(config)
    found = follow(course, every, steps, settings.examples)
    known = known_by_frequency(course, every[0], settings.examples)
    learnt_text = learning_text(course, config, found, settings.examples)
    return Page(
        title="Trunks: transformer, LSTM, convolution",
        what=WHAT,
        how=f"{learnt_text} Seconds are of one core of a "
        "processor with bfloat16; on others, and on a GPU, they compare differently.",
        figure=draw_curves(found),
        caption="Bits a frame of held-out stems, by steps and by seconds of one core.",
        tables=(
            progress_table(
                found, known, "After the last step; the last column is a paired difference."
            ),
            steps_table(found, "Bits a frame as they learn."),
            *([_times(found)] if len(steps) > 1 else []),
        ),
    )


def _times(found: dict[str, Progress]) -> Table:
    """Bits a frame at equal time, from when all were measured once until the quickest is done."""
    first = max(learner.cpu_s[0] for learner in found.values())
    times = np.geomspace(first, min(learner.cpu_s[-1] for learner in found.values()), 3)
    rows = []
    for name, learner in found.items():
        told = [at_time(learner, cpu_s) for cpu_s in times]
        rows.append((name, *(NONE if bits != bits else f"{bits:.2f}" for bits in told)))
    return Table(
        "Bits a frame after the same seconds of one core, between milestones by a line.",
        ("seconds", *(f"{cpu_s:.0f}" for cpu_s in times)),
        rows,
    )
