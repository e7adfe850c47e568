"""What the whole window is worth live: horizon, cycle, clock and chart, out of an evaluation."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.errors import TrainingError
from training.evaluation.musicnn import FADS
from training.evaluation.plots import COLOURS
from training.evaluation.scenarios import SCENARIOS
from training.evaluation.summary import ALL, condition
from training.experiments.estimates import NONE, NOTHING, Estimate
from training.experiments.page import Page, Table
from training.experiments.settings import Settings

QUESTION = "what is it worth live to know what comes: from the cycle, the clock and the chart?"
TOLD = (
    "learned coherence",
    "notes in the chord",
    "onsets with the context's",
    "beats of stem and context",
)
"""The measures of the page."""
CONTRASTS = ("hearing what is to come", "the cycle", "the clock")
"""Those of an evaluation's contrasts that are about the window."""
ELSEWHERE = (
    ("hears everything", 65.7, 0.565, "whole"),
    ("hears up to now", 59.8, 0.210, "no_cycle"),
    ("hears up to 1 s ago", 54.5, 0.187, "no_cycle_no_clock"),
)
"""Coherence (COCOLA) and beat F1 of a published re-implementation, arXiv 2510.22105; and our
scenario that is nearest to it."""
ELSEWHERE_TRUE, ELSEWHERE_RANDOM = (66.1, 0.575), (52.1, 0.210)
WHAT = """The paper's network hears all of a window, what is to come in it too. On stage nobody \
has heard that yet, and a published re-implementation (arXiv 2510.22105) lost most of what it had \
when it heard only what was played by then. Here the bars of the last *cycle* stand in for those \
to come, the *clock* is a source of its own, and a *chart* may be told. How much of what the whole \
window is worth do they win back?"""


def run(settings: Settings) -> Page:
    """Read the report of an evaluation; the page.

    Raises:
        TrainingError: there is none, or it is none.
    """
    report = read_report(settings.report)
    known = {scenario.name: scenario for scenario in SCENARIOS}
    found = {
        name: {label: share(side["gaps"].get(ALL, {}).get(label)) for label in TOLD}
        for name, side in report["scenarios"].items()
        if name in known
    }
    texts = "\n".join(f"- *{name}*: {known[name].text}" for name in found)
    told = report["settings"]
    lacking = [scenario.name for scenario in SCENARIOS if scenario.name not in found]
    return Page(
        title="The live window: what it is worth to know what comes",
        what=WHAT,
        how=f"From the report that `python -m training evaluate` wrote for the weights "
        f"{report['weights']}: {told['examples']} windows of each kind from {told['songs']} "
        f"held-out songs, seed {told['seed']}. A window of each scenario is played bar by bar by "
        f"the rig's rules, but for the first:\n\n{texts}\n\n"
        + (f"This report is without {', '.join(lacking)}. " if lacking else "")
        + ("" if "codec" in report else "In it the anchors have gone through the codec, too. ")
        + "The gap closed is 0 for a stem of another song and 1 for the true stem; in brackets "
        "are 95 % bootstrap intervals over examples. Seed and number are the report's: those that "
        "the experiment is called with change nothing.",
        figure=draw(found),
        caption="Share closed of the gap between a random stem, 0, and the true one, 1.",
        tables=(
            _shares(found),
            _contrasts(report),
            *_distances(report, list(found)),
            _elsewhere(found),
        ),
    )


def read_report(file: Path) -> dict[str, Any]:
    """An evaluation's `report.json`.

    Raises:
        TrainingError: there is none, or it is none.
    """
    if not file.is_file():
        raise TrainingError(f"{file} is missing; valid: what python -m training evaluate wrote")
    try:
        report: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        lacking = {"weights", "settings", "scenarios", "contrasts"} - report.keys()
    except (ValueError, AttributeError) as error:
        raise TrainingError(f"{file} is no report of an evaluation: {error}") from error
    if lacking:
        raise TrainingError(
            f"{file} is no report of an evaluation: no {', '.join(sorted(lacking))}"
        )
    return report


def share(gap: Mapping[str, Any] | None) -> Estimate:
    """The share of a gap that is closed; `NOTHING` where the report does not tell one."""
    if gap is None or not gap["distinct"] or gap["true"] <= gap["random"]:
        return NOTHING
    return Estimate(gap["closed"], gap["low"], gap["high"], gap["examples"])


def _shares(found: Mapping[str, Mapping[str, Estimate]]) -> Table:
    rows = [
        (name, *(side[label].text() for label in TOLD), str(max(e.count for e in side.values())))
        for name, side in found.items()
    ]
    return Table("Share of the gap closed.", ("", *TOLD, "N"), rows)


def _contrasts(report: Mapping[str, Any]) -> Table:
    cells = {
        (row["what"], row["measure"]): Estimate(
            row["difference"], row["low"], row["high"], row["examples"]
        )
        for row in report["contrasts"]
    }
    rows = [
        (what, *(cells.get((what, label), NOTHING).text(3) for label in TOLD)) for what in CONTRASTS
    ]
    return Table(
        "What each adds to the measures themselves, on the same examples: *whole* less *cycle*, "
        "*cycle* less *no_cycle*, *no_cycle* less *no_cycle_no_clock*.",
        ("", *TOLD),
        rows,
    )


def _distances(report: Mapping[str, Any], names: list[str]) -> list[Table]:
    """FAD of the scenarios, where the report has enough vectors to tell one."""
    figures = {label: report.get("fad", {}).get(label, {}).get(ALL) for label in FADS}
    if not any(figures.values()):
        return []
    known = {scenario.name: scenario for scenario in SCENARIOS}
    rows = []
    for name in names:
        key = condition(known[name])
        cells = (f["distances"].get(key) if f else None for f in figures.values())
        rows.append((name, *(NONE if cell is None else f"{cell:.2f}" for cell in cells)))
    floors = (f"{f['floor']:.2f}" if f else NONE for f in figures.values())
    rows.append(("other true stems", *floors))
    return [Table("Fréchet distance in two embeddings.", ("", *figures), rows)]


def _elsewhere(found: Mapping[str, Mapping[str, Estimate]]) -> Table:
    rows = []
    for what, coherence, beats, ours in ELSEWHERE:
        theirs = (
            (figure - random) / (true - random)
            for figure, true, random in zip(
                (coherence, beats), ELSEWHERE_TRUE, ELSEWHERE_RANDOM, strict=True
            )
        )
        side = found.get(ours, {})
        mine = (
            side.get(label, NOTHING).text()
            for label in ("learned coherence", "beats of stem and context")
        )
        rows.append((what, *(f"{closed:.2f}" for closed in theirs), ours, *mine))
    return Table(
        "Beside the re-implementation's figures, as shares of its own gap between random pairs "
        "and the truth (coherence by COCOLA, F1 of beats); ours are in other measures and songs, "
        "and know the clock but in the last row.",
        ("theirs", "coherence", "beats", "ours", "learned coherence", "beats"),
        rows,
    )


def draw(found: Mapping[str, Mapping[str, Estimate]]) -> Figure:
    """A row a scenario, a point with its interval for each measure."""
    figure = Figure(figsize=(7.5, 1.3 + 0.5 * len(found)), layout="constrained")
    axes: Axes = figure.add_subplot()
    for at, label in enumerate(TOLD):
        shown = [(row, side[label]) for row, side in enumerate(found.values()) if side[label].count]
        values = [e.value for _, e in shown]
        spread = [[e.value - e.low for _, e in shown], [e.high - e.value for _, e in shown]]
        rows = [row + 0.15 * (at - (len(TOLD) - 1) / 2) for row, _ in shown]
        axes.errorbar(values, rows, xerr=spread, fmt="o", ms=4, color=COLOURS[at], label=label)
    for anchor in (0, 1):
        axes.axvline(anchor, color="#777", linewidth=0.8)
    axes.set_yticks(range(len(found)), list(found))
    axes.set_ylim(len(found) - 0.5, -0.5)
    axes.set_xlabel("share of the gap closed")
    axes.legend(frameon=False, fontsize=8, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    return figure
