"""The page that says what came of a study: a figure, tables, and what they rest on."""

from __future__ import annotations

import io
import math
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path

from companion.listening.analysis import ENOUGH, SIGNIFICANT, Analysis, Difference
from companion.listening.conditions import BY_NAME
from companion.listening.design import SCALE
from companion.listening.statistics import LEVEL, Estimate
from companion.listening.study import Study
from companion.system.whole import new_file

REPORT = "analysis.html"
FOUND = "yes"
_INK, _SOFT, _MARK = "#22262b", "#8a929a", "#0b6e69"
_STYLE = """
:root { color-scheme: light dark; --ground: #f6f4ef; --ink: #22262b; --soft: #5a626b;
  --line: #d8d4ca; --mark: #0b6e69 }
@media (prefers-color-scheme: dark) {
  :root { --ground: #14171a; --ink: #e9e6df; --soft: #a3abb3; --line: #39424a;
    --mark: #63c9bd }
}
body { margin: 0 auto; padding: 2rem 1.25rem; max-width: 58rem; background: var(--ground);
  color: var(--ink); font: 17px/1.5 system-ui, sans-serif }
h1 { line-height: 1.2 } h2 { margin-top: 2.5rem }
figure { margin: 1.5rem 0; padding: 1rem; border-radius: 1rem; background: #ffffff;
  overflow-x: auto }
figure svg { display: block; width: 100%; min-width: 30rem; height: auto }
.table { overflow-x: auto }
table { border-collapse: collapse; font-variant-numeric: tabular-nums }
th, td { padding: .35rem 1.2rem .35rem 0; border-bottom: 1px solid var(--line); text-align: left;
  font-weight: 400; white-space: nowrap }
thead th { color: var(--soft); font-size: .9rem }
.missing { font-weight: 600 } .soft { color: var(--soft) }
td.text { white-space: normal; min-width: 16rem }
.found { color: var(--mark); font-weight: 600 }
"""


def write_report(folder: Path, study: Study, analysis: Analysis) -> Path:
    """Put the page into the folder of a study; CompanionError if the disk fails."""
    path = folder / REPORT
    with new_file(path, 0) as put:
        put(report(study, analysis).encode())
    return path


def summary(analysis: Analysis) -> list[str]:
    """What came of it, in lines of text."""
    made = [
        f"{analysis.listeners} listeners, {analysis.finished} finished, "
        f"{analysis.left_out} left out"
    ]
    for each in analysis.conditions:
        made.append(
            f"{each.name}: {told(each.rating)} of {SCALE}, {each.ratings} ratings; "
            f"preferred in {told(each.preferred, percent=True)} of {each.pairs} pairs"
        )
    made += [
        f"{each.name}: {each.missing} ratings missing to {ENOUGH}"
        for each in analysis.conditions
        if each.missing
    ]
    found = [each for each in analysis.differences if each.is_found]
    made += [f"{each.first} fits better than {each.second}: {_p(each.p)}" for each in found]
    return made if found else [*made, "no two conditions were told apart"]


def report(study: Study, analysis: Analysis) -> str:
    """The page, in one file."""
    missing = [each for each in analysis.conditions if each.missing]
    enough = (
        f"<p>Every condition has the {ENOUGH} ratings that a study needs.</p>"
        if not missing
        else '<p class="missing">Too few ratings yet. Missing to '
        f"{ENOUGH}: {', '.join(f'{escape(e.name)} {e.missing}' for e in missing)}.</p>"
    )
    found = [each for each in analysis.differences if each.is_found]
    sentence = f"Of {len(analysis.differences)} pairs of conditions listeners told "
    sentence += f"{len(found)} apart; see below which." if found else "none apart."
    counted = analysis.listeners - analysis.left_out
    conditions = _table(
        ("condition", "fits (1 to 5)", "ratings", "preferred", "pairs", "the stem is"),
        (
            (
                *(each.name, told(each.rating), str(each.ratings)),
                *(told(each.preferred, percent=True), str(each.pairs), BY_NAME[each.name].text),
            )
            for each in analysis.conditions
        ),
    )
    differences = _table(
        ("two conditions", "difference", "p", "told apart", "preferred", "pairs"),
        (_difference(each) for each in analysis.differences),
    )
    return f"""<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Listening test</title><style>{_STYLE}</style></head><body><main>
<h1>How well the stem fits, as listeners hear it</h1>
<p>{counted} of {analysis.listeners} listeners are counted; {analysis.finished} finished.
{analysis.left_out} had fewer than {study.checks_right} checks of their attention right, or did not
come to them, and are left out, as was fixed before the first answer.
{analysis.headphones} passed the headphones check.</p>
{enough}
<p>{sentence}</p>
<figure role="img" aria-label="The table below as a figure">{_figure(analysis)}</figure>
<h2>Conditions</h2>
{conditions}
<h2>Differences</h2>
{differences}
<h2>How this was found</h2>
<p>{len(analysis.contexts)} contexts: {escape(", ".join(analysis.contexts))}. Each listener rated
every condition equally often, on contexts that go round, in an order that goes round too; all mixes
are equally loud, as are the stems in them. Practice and checks do not count.</p>
<p>Intervals hold {LEVEL:.0%} of the time, for other listeners and other contexts: the variance is
that of a bootstrap by listener and that of one by context, less that of one by single answers,
which both contain. For differences, what a listener or a context gives to everything is taken out
first. The p of the differences are corrected for how many there are (Holm); two conditions count as
told apart below {SIGNIFICANT:g}.</p>
</main></body></html>
"""


def told(estimate: Estimate, percent: bool = False) -> str:
    """A figure with its interval, as text."""
    if math.isnan(estimate.value):
        return "-"
    style = ".0%" if percent else ".2f"
    if math.isnan(estimate.low):
        return f"{estimate.value:{style}}"
    return f"{estimate.value:{style}} ({estimate.low:{style}} to {estimate.high:{style}})"


def _difference(each: Difference) -> tuple[str, ...]:
    return (
        f"{each.first} over {each.second}",
        *(told(each.rating), _p(each.p).removeprefix("p ").removeprefix("= ")),
        *(FOUND if each.is_found else "no", told(each.preferred, percent=True), str(each.pairs)),
    )


def _p(p: float) -> str:
    return "-" if math.isnan(p) else "p < 0.001" if p < 0.001 else f"p = {p:.3f}"


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    cells = "".join(f'<th scope="col">{escape(cell)}</th>' for cell in head)
    body = "".join(
        f'<tr><th scope="row">{escape(row[0])}</th>'
        + "".join(f"<td{_style(cell)}>{escape(cell)}</td>" for cell in row[1:])
        + "</tr>"
        for row in rows
    )
    table = f"<table><thead><tr>{cells}</tr></thead><tbody>{body}</tbody></table>"
    return f'<div class="table">{table}</div>'


def _style(cell: str) -> str:
    """The class of a cell: a sentence may take several lines, and what was found stands out."""
    kind = "found" if cell == FOUND else "text" if len(cell) > 30 else ""
    return f' class="{kind}"' if kind else ""


def _figure(analysis: Analysis) -> str:
    """Ratings and preferences of the conditions with their intervals, as SVG."""
    from matplotlib import rc_context
    from matplotlib.figure import Figure
    from matplotlib.layout_engine import ConstrainedLayoutEngine

    conditions = analysis.conditions[::-1]
    layout = ConstrainedLayoutEngine(wspace=0.08)
    with rc_context({"svg.fonttype": "none", "svg.hashsalt": "", "font.size": 10}):
        figure = Figure(figsize=(9, 1.2 + 0.5 * len(conditions)), layout=layout)
        left, right = figure.subplots(1, 2, sharey=True)
        for axes, title, values, ends in (
            (left, "How well it fits (1 to 5)", [e.rating for e in conditions], (1, SCALE)),
            (right, "Preferred, share of pairs", [e.preferred for e in conditions], (0, 1)),
        ):
            for row, each in enumerate(values):
                axes.plot(
                    [each.low, each.high], [row, row], color=_MARK, lw=2.5, solid_capstyle="round"
                )
                axes.plot([each.value], [row], "o", color=_MARK, ms=8, mec="white", mew=1.5)
            axes.set_xlim(*ends)
            axes.set_title(title, color=_INK, loc="left", fontsize=11)
            axes.set_yticks(range(len(conditions)), [each.name for each in conditions])
            axes.set_ylim(-0.6, len(conditions) - 0.4)
            axes.tick_params(length=0, colors=_INK)
            axes.grid(axis="x", color="#e4e0d8")
            axes.set_axisbelow(True)
            axes.spines[:].set_visible(False)
        left.set_xticks(range(1, SCALE + 1))
        right.axvline(0.5, color=_SOFT, lw=1, ls="--")
        right.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        file = io.StringIO()
        figure.savefig(
            file, format="svg", metadata=dict.fromkeys(("Date", "Creator", "Format", "Type"))
        )
    return file.getvalue().partition("<svg")[1] + file.getvalue().partition("<svg")[2]
