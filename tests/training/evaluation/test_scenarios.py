"""Scenarios and variants are what the rig starts with, or differ from it in what they say."""

from __future__ import annotations

from companion.control.parameters import BY_NAME
from model.request import SOURCES, DecodeSettings
from training.evaluation.examples import CYCLE
from training.evaluation.live import LEAD_S, WINDOWS
from training.evaluation.scenarios import (
    CAUSAL_BIAS_ONLY,
    GUIDANCE_ONLY,
    NAIVE,
    SCENARIOS,
    SHIPPED,
    VARIANTS,
    conditions,
)


def test_shipped_is_what_the_knobs_start_with():
    knobs = {source: BY_NAME[f"guidance_{source}"].default for source in SOURCES}
    assert dict(SHIPPED.guidance) == knobs
    assert SHIPPED.form == BY_NAME["guidance_form"].default
    assert SHIPPED.decode == DecodeSettings()
    for name in ("causal_bias", "confidence", "randomness", "temperature"):
        assert getattr(SHIPPED.decode, name) == BY_NAME[name].default


def test_live_is_what_the_rig_does():
    from companion.players import bars, layout

    assert BY_NAME["cycle"].default == CYCLE
    assert bars.LEAD_S == LEAD_S
    assert layout.BARS == WINDOWS


def test_naive_leans_on_nothing_and_the_others_on_one_thing_more():
    assert set(NAIVE.guidance.values()) == {1.0}
    assert (NAIVE.decode.causal_bias, NAIVE.decode.confidence) == (0.0, 0.0)
    assert GUIDANCE_ONLY.decode == NAIVE.decode and GUIDANCE_ONLY.guidance == SHIPPED.guidance
    assert CAUSAL_BIAS_ONLY.guidance == NAIVE.guidance
    assert CAUSAL_BIAS_ONLY.decode.causal_bias == SHIPPED.decode.causal_bias
    assert CAUSAL_BIAS_ONLY.decode.confidence == 0.0
    assert all(variant.decode.steps == SHIPPED.decode.steps for variant in VARIANTS)


def test_every_scenario_is_run_as_shipped_and_whole_in_every_variant():
    names = [(scenario.name, variant.name) for scenario, variant in conditions()]
    assert {("whole", variant.name) for variant in VARIANTS} <= set(names)
    assert {(scenario.name, "shipped") for scenario in SCENARIOS} <= set(names)
    assert len(names) == len(set(names)) == len(VARIANTS) + len(SCENARIOS) - 1
