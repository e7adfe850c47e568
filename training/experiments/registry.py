"""Which experiments there are. One is added with a module and a line here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module

from training.errors import TrainingError
from training.experiments.page import Page
from training.experiments.settings import Settings

EXPERIMENTS = {
    "guidance": "training.experiments.guidance",
    "autoregressive": "training.experiments.autoregressive",
    "trunks": "training.experiments.trunks",
    "data": "training.experiments.data",
    "token-order": "training.experiments.token_order",
    "causal-bias": "training.experiments.causal_bias",
    "independence": "training.experiments.independence",
    "live-window": "training.experiments.live_window",
}
"""The module of each experiment by its name, which its page and its figure have too."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One of them.

    Attributes:
        name: as the command line has it.
        question: what it asks, one line.
        run: measures what is missing, and returns the page.
    """

    name: str
    question: str
    run: Callable[[Settings], Page]


def find_experiment(name: str) -> Experiment:
    """An experiment by its name.

    Raises:
        TrainingError: there is none of this name.
    """
    if name not in EXPERIMENTS:
        raise TrainingError(f"experiment is {name!r}; valid: {', '.join(EXPERIMENTS)}")
    module = import_module(EXPERIMENTS[name])
    return Experiment(name, module.QUESTION, module.run)
