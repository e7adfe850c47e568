"""The paper's guidance takes mix and instrument to be independent: are they?"""

from __future__ import annotations

import random
from collections import Counter
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from rich.progress import track

from model.generator import load_generator
from model.instruments import INSTRUMENTS
from training.evaluation.generation import weights_digest
from training.evaluation.plots import COLOURS
from training.experiments.arm_tables import weights_text
from training.experiments.contexts import MIXES, SECONDS, Pair, multi_hot, song_pairs
from training.experiments.dependence import FOLDS, HeldOut, foretell
from training.experiments.estimates import Estimate
from training.experiments.ledger import Ledger
from training.experiments.page import Page, Table
from training.experiments.settings import Settings
from training.songs import song_folders

QUESTION = "how much does the mix tell of the instrument that is wanted, which guidance overlooks?"
LIMIT = 0.5
"""The paper: with a correlation above it, the independence behind its guidance fails."""
FEWEST = 20
"""Pairs of a class from which on a figure is told for it."""
DIGITS = 5
"""Of what is kept of a mix."""
WHAT = f"""Guidance by a product, as the paper has it, takes the mix and the instrument to be \
independent given the stem, and names as an open question how much their embeddings correlate: \
above {LIMIT:g}, it says, the independence fails. A mix does tell something of the instrument: \
what is in it already is asked for less often, and what is missing from it more often. How much of \
the instrument's embedding can be foretold from what the network hears of the mix?"""


def run(settings: Settings) -> Page:
    """Listen to windows of training songs and correlate; the page."""
    generator = load_generator("cpu", settings.weights)
    folders = song_folders(settings.band, "train")
    count = min(settings.examples, len(folders))
    chosen = sorted(random.Random(settings.seed).sample(folders, len(folders))[:count])
    ledger = Ledger(settings.out / "independence.jsonl")
    digest, pairs = weights_digest(settings.weights), []
    for folder in track(chosen, "listening to songs"):
        cell = {"song": folder.name, "weights": digest, "seed": settings.seed, "mixes": MIXES}

        def listened(folder: Path = folder) -> dict[str, Any]:
            return {"pairs": [_told(p) for p in song_pairs(generator, folder, settings.seed)]}

        pairs += [_pair(*entry) for entry in ledger.measure(cell, listened)["pairs"]]
    table = generator.network.instruments.weight.detach().double().numpy()
    figures = correlate(pairs, table)
    return Page(
        title="Independence: what the mix tells of the instrument",
        what=WHAT,
        how=f"{weights_text(settings.weights, generator)} In {count} training songs one window of "
        f"{SECONDS} s each, up to {MIXES} mixes of some of its stems, drawn as in training, and "
        f"every sounding stem that is not in the mix as a target: {len(pairs)} pairs. The mix's "
        "embedding is the mean over frames of what the network makes of the mix; the instrument's "
        "is its row in the network's table. Linear regression (ridge) foretells the one from the "
        f"other for songs that it was not fitted on, in {FOLDS} folds, the penalty chosen on songs "
        "that were held back from the fit as well; the figure is the multiple correlation R, the "
        "root of the share of variance foretold, and for a class the correlation of its being "
        "wanted with what is foretold of that. Beside it the same from "
        "nothing but which classes are in the mix, which is what the data hold whatever a network "
        "hears. In brackets are 95 % bootstrap intervals over songs. How the joint form, which "
        "supposes no independence at weight 1, does beside the product is what the experiment "
        "`guidance` measures.",
        figure=draw(figures),
        caption="The correlation by class, from what is heard and from what is in the mix.",
        tables=(_table(figures, pairs),),
    )


def correlate(pairs: list[Pair], table: np.ndarray) -> dict[str, tuple[Estimate, Estimate]]:
    """The correlation over all and by class, from what is heard and from what is in the mix.

    Args:
        pairs: of at least two songs.
        table: embeddings of the instruments [18 or more, d].
    """
    songs = [pair.song for pair in pairs]
    heard, mixed = np.stack([p.heard for p in pairs]), multi_hot([p.mixed for p in pairs])
    targets = np.array([pair.target for pair in pairs])
    wanted, classes = table[targets], np.eye(len(INSTRUMENTS))[targets]
    whole = tuple(foretell(told, wanted, songs) for told in (heard, mixed))
    single = tuple(foretell(told, classes, songs) for told in (heard, mixed))
    figures = {"all": _both(whole)}
    for at, name in enumerate(INSTRUMENTS):
        if (targets == at).sum() >= FEWEST:
            figures[name] = (single[0].column_correlation(at), single[1].column_correlation(at))
    return figures


def _both(sides: tuple[HeldOut, ...]) -> tuple[Estimate, Estimate]:
    return sides[0].correlation(), sides[1].correlation()


def _told(pair: Pair) -> list[object]:
    return [pair.song, [round(x, DIGITS) for x in pair.heard], pair.mixed, pair.target]


def _pair(song: str, heard: list[float], mixed: list[int], target: int) -> Pair:
    return Pair(song, np.array(heard), tuple(mixed), target)


def _table(figures: dict[str, tuple[Estimate, Estimate]], pairs: list[Pair]) -> Table:
    counts = Counter(INSTRUMENTS[pair.target] for pair in pairs)
    rows = [
        (name, str(counts[name] if name in counts else len(pairs)), *(e.text() for e in both))
        for name, both in figures.items()
    ]
    return Table(
        f"The multiple correlation R of all, and the correlation of each class of which there are "
        f"{FEWEST} pairs; the paper's limit is {LIMIT:g}.",
        ("", "pairs", "from what is heard", "from what is in the mix"),
        rows,
    )


def draw(figures: dict[str, tuple[Estimate, Estimate]]) -> Figure:
    """A row a class, two points with their intervals."""
    figure = Figure(figsize=(7.0, 1.2 + 0.3 * len(figures)), layout="constrained")
    axes: Axes = figure.add_subplot()
    for at, label in enumerate(("from what is heard", "from what is in the mix")):
        found = [both[at] for both in figures.values()]
        values = [e.value for e in found]
        spread = [[e.value - e.low for e in found], [e.high - e.value for e in found]]
        rows = [row + 0.2 * (at - 0.5) for row in range(len(found))]
        axes.errorbar(values, rows, xerr=spread, fmt="o", ms=4, color=COLOURS[at], label=label)
    axes.axvline(LIMIT, color="#777", linewidth=0.8, linestyle="--")
    axes.set_yticks(range(len(figures)), list(figures))
    axes.set_ylim(len(figures) - 0.5, -0.5)
    axes.set_xlabel("correlation, held out")
    axes.legend(frameon=False, fontsize=8)
    return figure
