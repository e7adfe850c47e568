"""The report as one page: tables, figures, what they are, and a few examples to listen to."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from html import escape
from pathlib import Path
from typing import Any

from model.grid import LEVELS
from training.evaluation.examples import CYCLE, Example
from training.evaluation.fad import ENOUGH
from training.evaluation.generation import Recipe, Store
from training.evaluation.listening import Listening, write_listening
from training.evaluation.mirdd import LABEL as MIRDD_LABEL
from training.evaluation.plots import contrast_plot, fad_plot, gap_plot
from training.evaluation.scenarios import SCENARIOS
from training.evaluation.summary import CODED, GROUPS, verdicts

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem;
  color: #222; }
h1, h2, h3 { line-height: 1.2; } h2 { margin-top: 2.5rem; } h3 { margin-top: 1.6rem; }
table { border-collapse: collapse; margin: 0.8rem 0; font-size: 13.5px; }
th, td { padding: 0.2rem 0.7rem; text-align: right; border-bottom: 1px solid #ddd; }
th:first-child, td:first-child { text-align: left; }
svg { max-width: 100%; height: auto; } .few { color: #888; }
audio { width: 13rem; height: 2rem; } td.sound { padding: 0.2rem; }
"""

NONE = '<span class="few">–</span>'


def write_page(
    folder: Path,
    report: Mapping[str, Any],
    held_out: Path,
    store: Store,
    examples: Sequence[Example],
    recipes: Sequence[Mapping[str, Recipe]],
) -> None:
    """Write `index.html` and the sounds beside it."""
    listening = write_listening(folder, held_out, store, examples, recipes)
    (folder / "index.html").write_text(page(report, listening), encoding="utf-8")


def page(report: Mapping[str, Any], listening: Sequence[Listening]) -> str:
    """The page of a report, with links to the sounds."""
    parts = [
        _head(report),
        _scenarios(report),
        _groups(report),
        _contrasts(report),
        _distances(report),
        _collapse(report),
        _recordings(report),
        _checks(report),
        _listen(listening),
        _times(report),
    ]
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>Evaluation of the generator</title><style>{STYLE}</style></head><body>\n"
        + "\n".join(parts)
        + "\n</body></html>\n"
    )


def _head(report: Mapping[str, Any]) -> str:
    settings = report["settings"]
    repeating, changing = (report["examples"][kind] for kind in ("repeating", "changing"))
    songs = len({example["song"] for example in (*repeating, *changing)})
    return f"""<h1>Evaluation of the generator</h1>
<p>Weights {escape(report["weights"])}, seed {settings["seed"]}. {len(repeating)} windows of three
or four bars whose chords repeat after {CYCLE} bars and {len(changing)} whose chords do not, from
{songs} synthetic songs: their grooves, chord progressions and sound font are in no training set.
In each window some stems are heard and one other is made, by instrument class; drums, bass and all
other classes are a third each.</p>
<p><b>How to read it.</b> <i>True</i> is the stem that the song has there, as it is in the song.
<i>True, through the codec</i> is that stem through the codec, as every stem of the generator is:
what lies between the two is what the codec costs. <i>Random</i> is a stem of the same instrument
class from another held-out song of nearly the same tempo, stretched to that tempo and laid bar on
bar, but not through the codec: it is real and in time, but made for other music. Measures of rhythm
would not tell it from a true one, so for them it begins anywhere in a beat. <i>Naive</i> is the
same network in the whole window without guidance, causal bias or confidence. The <i>gap closed</i>
is (ours − random) / (true − random): 0 is no better than a random stem, 1 as good as the true one.
In brackets is a 95 % bootstrap interval over examples, N their number. Where true and random stems
do not differ beyond chance, a measure tells nothing and no share is given; nor where random stems
have more of it than true ones.</p>"""


def _scenarios(report: Mapping[str, Any]) -> str:
    scenarios = report["scenarios"]
    naive = report["variants"]["naive"]["gaps"].get("all", {})
    coded = {kind: gaps.get("all", {}) for kind, gaps in report["codec"].items()}
    shares = {name: side["gaps"].get("all", {}) for name, side in scenarios.items()}
    plotted = {**shares, CODED: coded["repeating"]}
    parts = ["<h2>Does the stem fit?</h2>", gap_plot(plotted)]
    for name, side in scenarios.items():
        repeating = next(s.repeating for s in SCENARIOS if s.name == name)
        rows = []
        for label, gap in shares[name].items():
            beside = (
                naive.get(label) if repeating else None,
                coded["repeating" if repeating else "changing"].get(label),
            )
            rows.append(
                (
                    escape(label),
                    _number(gap["ours"]),
                    *(_number(other["ours"]) if other else NONE for other in beside),
                    _number(gap["true"]),
                    _number(gap["random"]),
                    _share(gap),
                    str(gap["examples"]),
                )
            )
        parts.append(f"<h3>{escape(name)}</h3><p>{escape(side['text'])}</p>")
        heads = ("", "ours", "naive, whole", CODED, "true", "random", "gap closed", "N")
        parts.append(_table(heads, rows))
    parts.append(
        "<p>All figures are shares or F1, 0 to 1 (<i>chroma</i>: a correlation). "
        "<i>Grid onsets</i>: share of the stem's onsets within 25 ms of a sixteenth (of a triplet "
        "in swung songs). "
        "<i>Onsets with the context's</i>: share of them within 25 ms of one of the context. "
        "<i>Beats</i>: those a beat tracker hears, within 70 ms of the true ones. <i>Notes in the "
        "chord</i>: share, by duration, of the notes that a transcription network hears in the "
        "stem and that are in the chord of the chart. <i>Chroma</i>: beat by beat, with the "
        "context without its drums. <i>Key</i>: of the notes, against the song's. The last "
        "three are for pitched stems only.</p>"
    )
    return "\n".join(parts)


def _groups(report: Mapping[str, Any]) -> str:
    closed = {name: side["gaps"] for name, side in report["scenarios"].items()}
    closed[CODED] = report["codec"]["repeating"]
    parts = ["<h2>Gap closed by instrument</h2>"]
    for name, gaps in closed.items():
        labels = dict.fromkeys(label for group in gaps.values() for label in group)
        rows = []
        for label in labels:
            cells = (gaps.get(group, {}).get(label) for group in GROUPS)
            rows.append((escape(label), *(_share(c) if c else NONE for c in cells)))
        parts.append(f"<h3>{escape(name)}</h3>" + _table(("", *GROUPS), rows))
    return "\n".join(parts)


def _contrasts(report: Mapping[str, Any]) -> str:
    variants = "".join(
        f"<li><i>{escape(name)}</i>: {escape(side['text'])}</li>"
        for name, side in report["variants"].items()
    )
    rows = [
        (
            escape(row["what"]),
            escape(row["verdict"]),
            escape(row["measure"]),
            f"{row['difference']:+.3f}",
            f"{row['low']:+.3f} … {row['high']:+.3f}",
            str(row["examples"]),
        )
        for row in report["contrasts"]
    ]
    lines = "".join(f"<li>{escape(line)}</li>" for line in verdicts(report["contrasts"]))
    plotted = ("guidance", "causal bias", "guidance, causal bias and confidence")
    return (
        "<h2>What does it come from?</h2><p>Differences on the same examples with the same dice, "
        "with a 95 % bootstrap interval over pairs. In FAD less is better; its interval is over "
        "stems, drawn in pairs, against all true stems. The variants, all in <i>whole</i>:</p>"
        f"<ul>{variants}</ul>"
        "<p>In short (one in twenty of these would be sure by chance alone):</p>"
        f"<ul>{lines}</ul>"
        + contrast_plot(report["contrasts"], plotted)
        + _table(("with it, without it", "", "", "difference", "95 % interval", "N"), rows)
        + "<p><i>Hearing what is to come</i> is whole against cycle, <i>the cycle</i> cycle "
        "against no_cycle, <i>the clock</i> no_cycle against no_cycle_no_clock, <i>the codec</i> "
        "the true stem through the codec against the true stem.</p>"
    )


def _distances(report: Mapping[str, Any]) -> str:
    parts = [
        "<h2>Do they sound like stems?</h2><p>Frechet audio distance of stems from true ones as "
        "they are in their songs, in two embeddings. <i>Floor</i> is one half of the true stems, "
        "by songs, against the other; all are held against that other half, and all have as many "
        "vectors. About half of the stems through the codec, and of the random ones, are of songs "
        "in that half, so they may be below the floor. A distance is told from "
        f"{ENOUGH:,} vectors a side on; with fewer it is left out. It says whether the stems sound "
        "like such instruments, not whether they fit.</p>"
    ]
    for label, side in report["fad"].items():
        if not side:
            parts.append(f"<p>{escape(label)} is left out: there are too few vectors.</p>")
            continue
        groups = [group for group in GROUPS if group in side]
        names = dict.fromkeys(name for group in groups for name in side[group]["distances"])
        rows = [
            (escape(name), *(_number(side[group]["distances"].get(name)) for group in groups))
            for name in names
        ]
        rows.append(("floor", *(_number(side[group]["floor"]) for group in groups)))
        rows.append(("vectors a side", *(str(side[group]["vectors"]) for group in groups)))
        parts += [
            f"<h3>{escape(label)}, {escape(side[groups[0]]['embedding'])}</h3>",
            fad_plot(label, side[groups[0]]),
            _table(("", *groups), rows),
        ]
    if report["mirdd"]:
        floor = report["mirdd"]["floor"]
        rows = [
            (escape(name), _number(side["mean"]), str(side["examples"]))
            for name, side in report["mirdd"].items()
        ]
        parts.append(
            f"<p>{escape(MIRDD_LABEL)}: divergence of eleven descriptors of stem and context, in "
            f"nats. <i>Floor</i> is one half of the true examples ({floor['examples']}) against "
            "the other; the others are those examples against the same half.</p>"
        )
        parts.append(_table(("", "MIRDD", "N"), rows))
    return "\n".join(parts)


def _collapse(report: Mapping[str, Any]) -> str:
    collapse = report["collapse"]
    rows = [
        (
            escape(name),
            f"{silent:.1%}",
            *(_number(bits) for bits in collapse["entropy_bits"].get(name, [None] * LEVELS)),
        )
        for name, silent in collapse["silent"].items()
    ]
    variety = collapse["variety"]
    heads = ("", "silent stems", *(f"level {n + 1}" for n in range(LEVELS)))
    parts = [
        "<h2>Has it collapsed, does it copy?</h2><p>Share of silent stems, and entropy of the "
        "tokens of each level in bits (11 at most).</p>",
        _table(heads, rows),
        f"<p>Variety of {variety['takes']} takes with other dice, on {variety['examples']} "
        f"examples: {_number(variety['mean'])} (0: all the same, 1: as if by chance).</p>",
    ]
    for name, copying in report.get("copying", {}).items():
        parts.append(
            f"<p>Copying, {escape(name)}: {copying['copied']:.1%} of {copying['stems']} stems are "
            f"nearer to a passage of {copying['songs']} training songs than 99 % of the held-out "
            "stems are, through the codec as ours are (1 % would be chance). Mean likeness "
            f"{copying['ours']:.2f}, of the held-out stems {copying['held_out']:.2f}.</p>"
        )
    return "\n".join(parts)


def _recordings(report: Mapping[str, Any]) -> str:
    rows = []
    for part, side in report["recordings"].items():
        for label, value in side["right"].items():
            wrong = side["wrong"].get(label)
            cells = (_number(value), NONE if wrong is None else _number(wrong))
            rows.append((escape(part), escape(label), *cells, str(side["recordings"])))
    return (
        "<h2>Real recordings</h2><p>Stems made bar by bar as on stage, cycle of "
        f"{CYCLE} bars. <i>Wrong song</i>: stems made for the other recordings, as they are, at "
        "their own tempo. <i>Lock</i>: vector strength of the onsets on the grid; <i>chroma</i>: "
        "mean cosine with the recording. There are too few recordings for an interval.</p>"
        + _table(("", "", "right song", "wrong song", "recordings"), rows)
    )


def _checks(report: Mapping[str, Any]) -> str:
    labels = dict.fromkeys(
        label for side in report["checks"].values() for label in side.get("all", {})
    )
    rows = []
    for label in labels:
        cells = (side.get("all", {}).get(label) for side in report["checks"].values())
        rows.append((escape(label), *(_share(c) if c else NONE for c in cells)))
    return (
        "<h2>Is the gap itself right?</h2><p>The gap closed by a second random stem should be near "
        "0; but in rhythm, where it lies bar on bar as the random anchor does not.</p>"
        + _table(("", *map(escape, report["checks"])), rows)
    )


def _listen(listening: Sequence[Listening]) -> str:
    if not listening:
        return ""
    heads = ("", *listening[0].files)
    rows = []
    for example in listening:
        players = (
            f'<audio controls preload="none" src="{escape(file)}"></audio>'
            for file in example.files.values()
        )
        rows.append((escape(example.title), *players))
    return (
        "<h2>Listen</h2><p>The first examples that were drawn of each group; nobody chose them. "
        "The stems of ours are those of <i>cycle</i>. Each is the context, and the context with "
        "one stem.</p>" + _table(heads, rows, "sound")
    )


def _times(report: Mapping[str, Any]) -> str:
    seconds = ", ".join(f"{escape(k)} {v:.0f} s" for k, v in report["seconds"].items())
    return f'<p class="few">Time: {seconds}.</p>'


def _table(
    heads: Sequence[str], rows: Sequence[Sequence[str]], cell_class: str | None = None
) -> str:
    kind = f' class="{cell_class}"' if cell_class else ""
    head = "".join(f"<th>{cell}</th>" for cell in heads)
    body = "\n".join(
        "<tr>" + f"<td>{row[0]}</td>" + "".join(f"<td{kind}>{c}</td>" for c in row[1:]) + "</tr>"
        for row in rows
    )
    return f"<table><tr>{head}</tr>\n{body}</table>"


def _number(value: float | None) -> str:
    return NONE if value is None else f"{value:.2f}"


def _share(gap: Mapping[str, Any]) -> str:
    if not gap["distinct"] or gap["closed"] is None:
        return '<span class="few">anchors alike</span>'
    if gap["true"] < gap["random"]:
        return '<span class="few">random above true</span>'
    return f"{gap['closed']:.2f} ({gap['low']:.2f} … {gap['high']:.2f})"
