"""Do the intervals of a listening test hold, and does it find anything where there is nothing?

    python -m benchmarks.listening --studies 200

Simulated listeners of known taste go through studies of several sizes. Printed is how often the
95 % intervals hold the truth: those of mean ratings, of differences, of shares of pairs preferred;
how wide those of differences are; how many of the true differences were found, and in how many
studies anything was found where all conditions are worth the same. The truth is that of listeners
who listen: the few others that get past the checks pull means towards the middle of the scale.
"""

from __future__ import annotations

import argparse
from dataclasses import replace

import numpy as np

from companion.listening.analysis import Analysis, analysed
from tests.companion.listening.people import ARMS, Taste, key_of, study_of

WORTH = (4.0, 3.7, 3.3, 3.0, 2.2, 1.9)
SIZES = ((8, 6, 13), (12, 5, 24), (24, 6, 40))
"""Contexts, conditions and listeners; the first has just the 50 ratings a condition."""
PEOPLE = {
    "chance alone": Taste(WORTH),
    "and bias": Taste(WORTH, listeners=0.5, contexts=0.4),
    "and scale": Taste(WORTH, listeners=0.5, contexts=0.4, scale=0.25),
    "and fit, lapses": Taste(
        WORTH, listeners=0.5, contexts=0.4, scale=0.25, fits=0.4, lapses=0.03, inattentive=0.1
    ),
}


def analyses(taste: Taste, contexts: int, listeners: int, studies: int) -> list[Analysis]:
    """The analysis of so many studies."""
    study = study_of(contexts, len(taste.worth))
    key = key_of(study)
    return [analysed(study, key, taste.answers(study, listeners, seed)) for seed in range(studies)]


def main() -> None:
    """Print a line for each kind of people and size of study."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--studies", type=int, default=200)
    studies = parser.parse_args().studies
    print(
        f"{'people':16} {'size':>10} {'mean':>6} {'diff':>6} {'share':>6} {'width':>6} "
        f"{'found':>6} {'false':>6}"
    )
    for name, people in PEOPLE.items():
        for contexts, arms, listeners in SIZES:
            taste = replace(people, worth=WORTH[:arms])
            ratings, shares = (dict(zip(ARMS, each, strict=False)) for each in taste.truth())
            held: dict[str, list[float]] = {name: [] for name in ("mean", "diff", "share")}
            width, found = list[float](), list[bool]()
            for analysis in analyses(taste, contexts, listeners, studies):
                for each in analysis.conditions:
                    held["mean"].append(each.rating.low <= ratings[each.name] <= each.rating.high)
                    held["share"].append(
                        each.preferred.low <= shares[each.name] <= each.preferred.high
                    )
                for pair in analysis.differences:
                    true = ratings[pair.first] - ratings[pair.second]
                    held["diff"].append(pair.rating.low <= true <= pair.rating.high)
                    width.append(pair.rating.high - pair.rating.low)
                    found.append(pair.is_found)
            equal = replace(taste, worth=(3.0,) * arms)
            false = [
                any(pair.is_found for pair in analysis.differences)
                for analysis in analyses(equal, contexts, listeners, studies)
            ]
            figures = [*map(np.mean, held.values()), *map(np.mean, (width, found, false))]
            size = f"{contexts}x{arms}x{listeners}"
            print(
                f"{name:16} {size:>10} " + " ".join(f"{each:6.3f}" for each in figures), flush=True
            )


if __name__ == "__main__":
    main()
