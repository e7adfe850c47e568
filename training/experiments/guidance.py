"""Guidance: how hard to lean on each source, and in which form."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from itertools import product

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.abilities import Abilities
from model.generator import load_generator
from model.guidance import guidance_terms
from model.request import DecodeSettings, Form
from training.evaluation.scenarios import WHOLE, Variant
from training.experiments.arm_tables import arms_table, decoding_text, measures_text, weights_text
from training.experiments.arms import MIRDD, TRUE, Arm, Arms, measure_arms
from training.experiments.estimates import NONE
from training.experiments.page import Page, Table
from training.experiments.settings import Settings

QUESTION = "how hard to lean on mix, instrument and clock, and in which form of guidance?"
WEIGHTS = (1.0, 2.0, 3.0, 4.0)
"""Of the grid, for the mix and for the instrument."""
CORNERS = ((1.0, 1.0), (3.0, 1.0), (1.0, 3.0), (3.0, 3.0))
"""Mix and instrument where the forms are compared: the paper's."""
CLOCKS = (1.0, 2.0, 3.0, 4.0)
"""Of the clock, beside a mix of 3 and an instrument of 1."""
GRID_FORM: Form = "contrast"
WHAT = """The network is told a mix, an instrument and a clock. Guidance leans on each harder than \
was learnt, by a weight; 1 is as learnt. The paper guides by mix and instrument, by a *product* of \
what each says alone, which supposes that they are independent given the stem. Our *joint* form \
keeps what all say together and leans on what each says alone; *contrast* leans on what each adds \
to the others; *distilled* is a network that has learnt to give what contrast gives. How hard \
should one lean, and in which form?"""
CAPTIONS = {
    "grid": "The grid: form, weight of the mix, of the instrument, of the clock.",
    "forms": "The forms, at the corners of the paper's table.",
    "clock": "The clock, which the paper has not.",
    "harmony": "With the song's chart told, its weight last.",
}
PAPER = (
    ("both 1", (1.0, 1.0), "4.30", "0.41"),
    ("only the instrument above 1", (1.0, 3.0), "3.66", "0.26"),
    ("only the mix above 1", (3.0, 1.0), "3.20", "0.29"),
    ("both above 1", (3.0, 3.0), "3.17", "0.25"),
)
"""Of the paper's table of guidance (Slakh): weights of mix and instrument, FAD, MIRDD."""
PANELS = (("learned coherence", True), ("FAD 1", False), (MIRDD, False))
"""What the figure shows, and whether more of it is better."""
LIGHT = 1.5
"""Of red, green and blue together, 0 to 3: from here on a ground is too light for white letters."""


def guided_arm(
    form: Form, audio: float, instrument: float, clock: float = 1.0, harmony: float | None = None
) -> Arm:
    """A form of guidance with a weight for each source; harmony None: no chart is told."""
    guidance = {"audio": audio, "instrument": instrument, "clock": clock}
    name = f"{form} {audio:g} {instrument:g} {clock:g}"
    scenario = WHOLE
    if harmony is not None:
        guidance["harmony"] = harmony
        name += f" {harmony:g}"
        scenario = replace(WHOLE, name="whole_chart", chart=True)
    return Arm(name, Variant(name, guidance, DecodeSettings(), "", form), scenario=scenario)


def arms_of(abilities: Abilities, quick: bool) -> dict[str, list[Arm]]:
    """The arms by the table that they stand in, as far as a network can have them."""
    weights = WEIGHTS[::2] if quick else WEIGHTS
    corners = CORNERS[-1:] if quick else CORNERS
    clocks = CLOCKS[2:3] if quick else CLOCKS
    forms: list[Form] = ["product", "joint", GRID_FORM]
    if abilities.guided:
        forms.append("distilled")
    parts = {
        "grid": [guided_arm(GRID_FORM, *pair) for pair in product(weights, weights)],
        "forms": [guided_arm(form, *pair) for form in forms for pair in corners],
        "clock": [guided_arm(GRID_FORM, 3.0, 1.0, clock) for clock in clocks],
    }
    if "harmony" in abilities.sources:
        parts["harmony"] = [guided_arm(GRID_FORM, 3.0, 1.0, 3.0, told) for told in (1.0, 2.0, 3.0)]
    return parts


def run(settings: Settings) -> Page:
    """Measure every arm; the page."""
    generator = load_generator("cpu", settings.weights)
    parts = arms_of(generator.abilities, settings.quick)
    every = {arm.name: arm for part in parts.values() for arm in part}
    arms = measure_arms(settings, list(every.values()), generator.max_frames)
    tables = [arms_table(arms, [a.name for a in part], CAPTIONS[at]) for at, part in parts.items()]
    return Page(
        title="Guidance: how hard to lean, and how",
        what=WHAT,
        how=f"{weights_text(settings.weights, generator)} Decoding as installed: "
        f"{decoding_text(DecodeSettings())}. {_forms_text(generator.abilities)} "
        f"{measures_text(arms)}",
        figure=draw(arms, parts["grid"]),
        caption="The grid: the mix's weight from bottom to top, the instrument's from left to "
        "right; brighter is better.",
        tables=(*tables, _paper(arms, [arm.name for arm in parts["forms"]])),
    )


def _forms_text(abilities: Abilities) -> str:
    """What the forms cost, and what these weights cannot do."""
    text = (
        f"A step takes {_passes(GRID_FORM, (1, 1))} to {_passes(GRID_FORM, (2, 3))} passes through "
        f"the network in contrast, {_passes('joint', (3, 3))} in joint, "
        f"{_passes('product', (3, 3))} in product."
    )
    if "harmony" not in abilities.sources:
        text += " These weights cannot be told harmony."
    return text if abilities.guided else f"{text} They have not learnt the distilled form."


def _passes(form: Form, pair: tuple[float, float]) -> int:
    audio, instrument = pair
    return len(guidance_terms({"audio": audio, "instrument": instrument, "clock": 1.0}, form))


def _paper(arms: Arms, measured: list[str]) -> Table:
    """The paper's figures beside ours in the same form, where both were measured."""
    rows = []
    for what, pair, fad, mirdd in PAPER:
        name = guided_arm("product", *pair).name
        if name in measured:
            rows.append((what, fad, mirdd, *_ours(arms, name)))
    rows.append((TRUE, NONE, NONE, *_ours(arms, TRUE)))
    return Table(
        "Beside the paper's table (Slakh, VGGish, 1000 examples, its own estimators of MIRDD). "
        "Ours is the product form with the clock at 1; embedding, songs and estimators differ, so "
        "only what grows and what shrinks from row to row can be compared.",
        ("", "FAD, paper", "MIRDD, paper", "FAD 1, ours", MIRDD),
        rows,
    )


def _ours(arms: Arms, name: str) -> list[str]:
    return [arms.estimate(name, label).text() for label in ("FAD 1", MIRDD)]


def draw(arms: Arms, grid: list[Arm]) -> Figure:
    """A map of the grid for each of `PANELS`."""
    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, len(PANELS)))
    guidance: list[Mapping[str, float]] = [arm.variant.guidance for arm in grid]
    across = sorted({weights["instrument"] for weights in guidance})
    up = sorted({weights["audio"] for weights in guidance})
    for axes, (label, more) in zip(panels, PANELS, strict=True):
        found = np.full((len(up), len(across)), np.nan)
        for arm, weights in zip(grid, guidance, strict=True):
            place = up.index(weights["audio"]), across.index(weights["instrument"])
            found[place] = arms.estimate(arm.name, label).value
        colours = "viridis" if more else "viridis_r"
        image = axes.imshow(found, origin="lower", cmap=colours, aspect="auto")
        for (row, line), value in np.ndenumerate(found):
            light = sum(image.cmap(image.norm(value))[:3]) > LIGHT
            colour = "black" if light else "white"
            axes.text(line, row, f"{value:.2f}", ha="center", va="center", color=colour, fontsize=8)
        axes.set_xticks(range(len(across)), [f"{weight:g}" for weight in across])
        axes.set_yticks(range(len(up)), [f"{weight:g}" for weight in up])
        axes.set_title(label, fontsize=9)
        axes.set_xlabel("instrument")
    panels[0].set_ylabel("mix")
    return figure
