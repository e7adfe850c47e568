"""The causal bias: how much earlier frames go first, at several numbers of steps."""

from __future__ import annotations

from dataclasses import replace

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from model.decoding import PAPER_STEPS, STEPS_EXPONENT, bias_scale
from model.generator import StemGenerator, load_generator
from model.request import DecodeSettings
from training.evaluation.examples import Example
from training.evaluation.generation import Generated, weights_digest
from training.evaluation.live import whole_request
from training.evaluation.plots import COLOURS
from training.evaluation.scenarios import GUIDED, WHOLE, Variant
from training.experiments.arm_tables import arms_table, measures_text, weights_text
from training.experiments.arms import MIRDD, TRUE, Arm, Arms, measure_arms
from training.experiments.estimates import Estimate, mean_estimate
from training.experiments.ledger import Ledger
from training.experiments.order import FRAMES, front_to_back, simulated
from training.experiments.page import Page, Table
from training.experiments.settings import Settings

QUESTION = "how strongly should earlier frames be filled first, at how many decode steps?"
SCHEDULES = ((4, 4, 2, 2), (8, 8, 4, 2), (32, 16, 8, 4))
"""Decode steps of each level: fewer than are installed, as installed, more."""
BIASES = (0.0, 0.1, 0.2, 0.5)
"""The paper's values of w_s."""
SIMULATED_STEPS = (4, 8, 32, PAPER_STEPS)
ORDERED = 6
"""Examples whose order is looked at."""
PAPER = {0.0: ("3.18", "0.32"), 0.1: ("3.12", "0.14"), 0.2: ("3.13", "0.18"), 0.5: ("3.17", "0.20")}
"""The paper's FAD and MIRDD on Slakh by w_s."""
WHAT = f"""At each decode step some tokens are kept, those that rank highest: by the network's \
confidence, by a *causal bias* w_s that has earlier frames go first, and by chance. The paper \
found w_s = 0.1 best, at {PAPER_STEPS} steps of the first level, far more than there is time for \
live. Chance is drawn anew at each step, so the fewer steps there are, the less the same bias \
orders them; our decoding makes the weights of bias and confidence *adaptive*: they grow by \
({PAPER_STEPS} / steps)^{STEPS_EXPONENT:g}. How strong should the bias be, and is it right that it \
grows?"""


def bias_arm(steps: tuple[int, ...], bias: float, adaptive: bool = True) -> Arm:
    """A causal bias w_s at some steps; not adaptive: it is taken as it is, as in the paper."""
    decode = DecodeSettings(steps=steps, causal_bias=bias)
    if not adaptive:
        scale = bias_scale(steps[0])
        decode = replace(decode, causal_bias=bias / scale, confidence=decode.confidence / scale)
    name = f"{'/'.join(map(str, steps))}, {bias:g}" + ("" if adaptive else ", as it is")
    return Arm(name, Variant(name, GUIDED, decode, "", "contrast"))


def arms_of(quick: bool) -> dict[str, list[Arm]]:
    """The arms by the table that they stand in."""
    schedules, biases = (SCHEDULES[:2], BIASES[1::2]) if quick else (SCHEDULES, BIASES)
    parts = {
        f"Steps {'/'.join(map(str, steps))}; then w_s.": [bias_arm(steps, w) for w in biases]
        for steps in schedules
    }
    parts["The same w_s without growing as steps get fewer."] = [
        bias_arm(steps, 0.1, adaptive=False) for steps in schedules[: 1 if quick else None]
    ]
    return parts


def run(settings: Settings) -> Page:
    """Measure every arm, and the order that each fills in; the page."""
    generator = load_generator("cpu", settings.weights)
    parts = arms_of(settings.quick)
    every = [arm for part in parts.values() for arm in part]
    arms = measure_arms(settings, every, generator.max_frames)
    ledger = Ledger(settings.out / "causal-bias.jsonl")
    orders = {arm.name: _order(settings, ledger, generator, arm, arms.examples) for arm in every}
    return Page(
        title="Causal bias: earlier frames first, and how strongly",
        what=WHAT,
        how=f"{weights_text(settings.weights, generator)} Guidance as installed. The order is "
        "told by the rank correlation of a frame's place with the step of the first level that "
        "fills it: 1 is from front to back, 0 is any order; simulated with equally likely "
        f"candidates in {FRAMES} frames, and measured in the first {ORDERED} windows. "
        f"{measures_text(arms)}",
        figure=draw(arms, parts, settings.quick),
        caption="Left: the order, simulated; solid as decoded here, dotted with weights that do "
        "not grow. Middle and right: quality by w_s.",
        tables=(
            *(arms_table(arms, [a.name for a in part], title) for title, part in parts.items()),
            _order_table(every, orders),
            *_paper(arms, every),
        ),
    )


def _order(
    settings: Settings,
    ledger: Ledger,
    generator: StemGenerator,
    arm: Arm,
    examples: tuple[Example, ...],
) -> Estimate:
    """How far from front to back an arm fills the first level, in a few examples."""
    digest, found = weights_digest(settings.weights), []
    for example in examples[:ORDERED]:
        recipe = Generated(settings.held_out, example, WHOLE, arm.variant, 0)
        cell = {"order": arm.name, "example": [example.digest, example.name], "weights": digest}

        def decoded(recipe: Generated = recipe) -> dict[str, float]:
            request = whole_request(recipe.session(generator.abilities), recipe.variant)
            return {"correlation": front_to_back(generator.start(request))}

        found.append(ledger.measure(cell, decoded)["correlation"])
    return mean_estimate(found)


def _order_table(arms: list[Arm], orders: dict[str, Estimate]) -> Table:
    rows = []
    for arm in arms:
        decode = arm.variant.decode
        effective = bias_scale(decode.steps[0]) * decode.causal_bias
        rows.append((arm.name, f"{effective:.2f}", orders[arm.name].text()))
    return Table(
        "The order in the stems, and the weight that the bias really had in the ranking.",
        ("", "weight", "front to back"),
        rows,
    )


def _paper(arms: Arms, measured: list[Arm]) -> list[Table]:
    names, rows = {arm.name for arm in measured}, []
    for bias, figures in PAPER.items():
        name = bias_arm(SCHEDULES[-1], bias).name
        if name in names:
            ours = (arms.estimate(name, label).text() for label in ("FAD 1", MIRDD))
            rows.append((f"w_s {bias:g}", *figures, *ours))
    table = Table(
        "Beside the paper's table (Slakh, VGGish, 400 examples, steps 128/64/32/32, its own "
        f"estimators of MIRDD). Ours at {'/'.join(map(str, SCHEDULES[-1]))}; embedding, songs and "
        "estimators differ, so only what grows and what shrinks can be compared.",
        ("", "FAD, paper", "MIRDD, paper", "FAD 1, ours", MIRDD),
        rows,
    )
    return [table] if rows else []


def draw(arms: Arms, parts: dict[str, list[Arm]], quick: bool) -> Figure:
    """The order in simulation, and two measures by w_s, a line a schedule."""
    figure = Figure(figsize=(9.0, 3.2), layout="constrained")
    panels: list[Axes] = list(figure.subplots(1, 3))
    biases = (0.0, 0.02, 0.05, *BIASES[1:])
    for colour, steps in zip(COLOURS, SIMULATED_STEPS[: 2 if quick else None], strict=False):
        whole = (steps,) * 4
        for adaptive, style in ((True, "-"), (False, ":")):
            shown = [simulated(bias_arm(whole, w, adaptive).variant.decode) for w in biases]
            label = f"{steps} steps" if adaptive else None
            panels[0].plot(biases, shown, style, color=colour, label=label)
    panels[0].set_title("front to back", fontsize=9)
    for colour, part in zip(COLOURS, list(parts.values())[:-1], strict=False):
        schedule = "/".join(map(str, part[0].variant.decode.steps))
        for axes, label in zip(panels[1:], ("learned coherence", "FAD 1"), strict=True):
            found = [arms.estimate(arm.name, label) for arm in part]
            at = [arm.variant.decode.causal_bias for arm in part]
            spread = [[e.value - e.low for e in found], [e.high - e.value for e in found]]
            values = [e.value for e in found]
            axes.errorbar(at, values, yerr=spread, color=colour, label=schedule, marker="o", ms=3)
            axes.axhline(arms.estimate(TRUE, label).value, color="#777", linewidth=0.8)
            axes.set_title(label, fontsize=9)
    for axes in panels:
        axes.set_xlabel("causal bias w_s")
        axes.legend(frameon=False, fontsize=7)
    return figure
