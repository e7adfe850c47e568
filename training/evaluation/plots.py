"""The figures of a report as SVG that stands inside a page."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from training.evaluation.musicnn import FADS

COLOURS = ("#1b6ca8", "#d1495b", "#edae49", "#3c8d53", "#7d5ba6", "#333333")

NAMELESS = dict.fromkeys(("Creator", "Date", "Format", "Type"))
"""Nothing is written about who made a figure, and when."""


def gap_plot(scenarios: Mapping[str, Mapping[str, Any]]) -> str:
    """Share of the gap closed with its interval: a row a measure, a colour a scenario."""
    labels = _distinct(scenarios)
    figure = Figure(figsize=(8.4, 1.0 + 0.62 * max(1, len(labels))))
    axes: Axes = figure.add_subplot()
    for at, (name, side) in enumerate(scenarios.items()):
        shift = (at - (len(scenarios) - 1) / 2) * 0.15
        rows = [
            (row + shift, side[label])
            for row, label in enumerate(labels)
            if label in side and _tells(side[label])
        ]
        _points(axes, rows, COLOURS[at % len(COLOURS)], name, "closed")
    axes.axvline(0, color="#777", linewidth=0.8)
    axes.axvline(1, color="#777", linewidth=0.8)
    axes.set_xlim(-1.0, 1.8)
    axes.set_xlabel("share of the gap closed: 0 a random stem, 1 the true one")
    _rows(axes, labels)
    return _svg(figure)


def contrast_plot(rows: Sequence[Mapping[str, Any]], whats: Sequence[str]) -> str:
    """Differences with their intervals, FAD left out: a row a measure, a colour a contrast."""
    kept = [row for row in rows if row["what"] in whats and row["measure"] not in FADS]
    labels = list(dict.fromkeys(row["measure"] for row in kept))
    figure = Figure(figsize=(8.4, 1.0 + 0.45 * max(1, len(labels))))
    axes: Axes = figure.add_subplot()
    for at, what in enumerate(whats):
        shift = (at - (len(whats) - 1) / 2) * 0.2
        points = [(labels.index(r["measure"]) + shift, r) for r in kept if r["what"] == what]
        _points(axes, points, COLOURS[at % len(COLOURS)], what, "difference")
    axes.axvline(0, color="#777", linewidth=0.8)
    axes.set_xlabel("difference; right of the line is better")
    _rows(axes, labels)
    return _svg(figure)


def fad_plot(label: str, figures: Mapping[str, Any]) -> str:
    """One FAD over one group of instruments: a bar a condition, and a line for its floor."""
    names = list(figures["distances"])
    figure = Figure(figsize=(8.4, 0.9 + 0.32 * max(1, len(names))))
    axes: Axes = figure.add_subplot()
    axes.barh(range(len(names)), list(figures["distances"].values()), 0.6, color=COLOURS[0])
    axes.axvline(figures["floor"], color=COLOURS[1], label="floor")
    axes.set_xlabel(f"{label}, less is better")
    _rows(axes, names)
    return _svg(figure)


def _distinct(scenarios: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """The measures that tell true stems from random ones in any scenario, in order."""
    found: dict[str, None] = {}
    for side in scenarios.values():
        found.update({label: None for label, gap in side.items() if _tells(gap)})
    return list(found)


def _tells(gap: Mapping[str, Any]) -> bool:
    return bool(gap["distinct"] and gap["true"] > gap["random"])


def _points(
    axes: Axes,
    rows: Sequence[tuple[float, Mapping[str, Any]]],
    colour: str,
    name: str,
    value: str,
) -> None:
    at = [row for row, _ in rows]
    middle = [figure[value] for _, figure in rows]
    spread = [
        [max(0.0, m - figure["low"]) for m, (_, figure) in zip(middle, rows, strict=True)],
        [max(0.0, figure["high"] - m) for m, (_, figure) in zip(middle, rows, strict=True)],
    ]
    axes.errorbar(
        middle, at, xerr=spread, fmt="o", markersize=4, linewidth=1.4, color=colour, label=name
    )


def _rows(axes: Axes, labels: Sequence[str]) -> None:
    axes.set_yticks(range(len(labels)), labels)
    axes.set_ylim(max(1, len(labels)) - 0.5, -0.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(left=False)
    axes.grid(axis="x", linewidth=0.3)
    if axes.get_legend_handles_labels()[0]:
        axes.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), frameon=False, fontsize=8)


def _svg(figure: Figure) -> str:
    """The figure alone, its letters as text, the same each time."""
    out = io.StringIO()
    # A salt of its own, so that the same figures give the same bytes.
    with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "evaluation"}):
        figure.savefig(out, format="svg", bbox_inches="tight", metadata=NAMELESS)
    text = out.getvalue()
    return text[text.index("<svg") :]
