"""What the generator is told in each scenario, and how it decodes in each variant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from model.request import SOURCES, DecodeSettings, Form

LEARNT: Mapping[str, float] = dict.fromkeys(SOURCES, 1.0)
GUIDED: Mapping[str, float] = {**LEARNT, "audio": 3.0, "clock": 3.0, "harmony": 3.0}
"""The guidance that the presets and the rig's knobs start with."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is heard.

    Attributes:
        name: one word.
        live: bar by bar as on stage, else the whole window at once.
        cycle: whether bars not yet played are heard as those of the cycle before; if not, they
            are not heard at all.
        clock: whether beat and bar are known.
        repeating: whether its windows repeat their chords after a cycle.
        chart: whether the song's chords are told, those to come among them.
        text: what it is, for the reader of a report.
    """

    name: str
    live: bool
    cycle: bool
    clock: bool
    repeating: bool
    text: str
    chart: bool = False


@dataclass(frozen=True, slots=True)
class Variant:
    """How it decodes.

    Attributes:
        name: one or two words.
        guidance: a weight for each source.
        decode: steps, weights of the ranking, temperature.
        form: how guidance is combined.
        text: what it is, for the reader of a report.
    """

    name: str
    guidance: Mapping[str, float]
    decode: DecodeSettings
    text: str
    form: Form = field(default="distilled")


WHOLE = Scenario(
    "whole",
    live=False,
    cycle=False,
    clock=True,
    repeating=True,
    text="The whole window is heard at once and nothing of the stem is given: the paper's case.",
)
CYCLE = Scenario(
    "cycle",
    live=True,
    cycle=True,
    clock=True,
    repeating=True,
    text="Live: a plan a bar; bars not yet played are heard as the same bar four bars earlier, "
    "and the chords do repeat after four bars.",
)
CHORD_CHANGE = Scenario(
    "chord_change",
    live=True,
    cycle=True,
    clock=True,
    repeating=False,
    text="The same where the chords of at least one bar differ from those four bars earlier, so "
    "that what stands in for it is wrong.",
)
NO_CYCLE = Scenario(
    "no_cycle",
    live=True,
    cycle=False,
    clock=True,
    repeating=True,
    text="Live, but nothing stands in for bars not yet played: they are unknown.",
)
NO_CYCLE_NO_CLOCK = Scenario(
    "no_cycle_no_clock",
    live=True,
    cycle=False,
    clock=False,
    repeating=True,
    text="The same, and beat and bar are not known either.",
)
CHART_CHORD_CHANGE = Scenario(
    "chart_chord_change",
    live=True,
    cycle=True,
    clock=True,
    repeating=False,
    text="As chord_change, and the song's chart is told.",
    chart=True,
)
CHART_NO_CYCLE = Scenario(
    "chart_no_cycle",
    live=True,
    cycle=False,
    clock=True,
    repeating=True,
    text="As no_cycle, and the song's chart is told.",
    chart=True,
)
SCENARIOS = (
    WHOLE,
    CYCLE,
    CHORD_CHANGE,
    NO_CYCLE,
    NO_CYCLE_NO_CLOCK,
    CHART_CHORD_CHANGE,
    CHART_NO_CYCLE,
)

SHIPPED = Variant(
    "shipped",
    GUIDED,
    DecodeSettings(),
    "guidance 3 by audio, clock and chart, 1 by instrument and sound; as installed",
)
NAIVE = Variant(
    "naive",
    LEARNT,
    DecodeSettings(causal_bias=0.0, confidence=0.0),
    "guidance 1 by every source, which is the conditional distribution as learnt; the order in "
    "which tokens are kept is chance alone (causal bias 0, confidence 0); same steps, same "
    "temperature",
)
GUIDANCE_ONLY = Variant(
    "guidance only",
    GUIDED,
    DecodeSettings(causal_bias=0.0, confidence=0.0),
    "naive, with the guidance of shipped",
)
CAUSAL_BIAS_ONLY = Variant(
    "causal bias only",
    LEARNT,
    DecodeSettings(confidence=0.0),
    "naive, with the causal bias of shipped (0.1 at 128 steps)",
)
VARIANTS = (SHIPPED, NAIVE, GUIDANCE_ONLY, CAUSAL_BIAS_ONLY)


def conditions() -> tuple[tuple[Scenario, Variant], ...]:
    """Every scenario as shipped, and in `whole` every variant."""
    live = [(scenario, SHIPPED) for scenario in SCENARIOS if scenario.live]
    return (*((WHOLE, variant) for variant in VARIANTS), *live)
