"""Which arms an experiment has: what the network can do, and the paper's among them."""

from __future__ import annotations

import pytest

from model.abilities import Abilities
from model.decoding import bias_scale
from model.request import ALWAYS_GUIDED, SOURCES
from training.experiments import causal_bias, guidance

OLD = Abilities()
NEW = Abilities(guided=True, sources=SOURCES)


@pytest.mark.parametrize("abilities", [OLD, NEW], ids=["without", "with"])
def test_harmony_and_the_distilled_form_are_tried_where_the_network_has_them(abilities):
    parts = guidance.arms_of(abilities, quick=False)
    forms = {arm.variant.form for part in parts.values() for arm in part}
    assert ("distilled" in forms) == abilities.guided
    assert ("harmony" in parts) == ("harmony" in abilities.sources)
    for arm in parts.get("harmony", ()):
        assert arm.scenario.chart and "harmony" in arm.variant.guidance
    assert not any(arm.scenario.chart for name in ("grid", "forms", "clock") for arm in parts[name])


def test_the_grid_is_whole_and_holds_the_papers_corners():
    parts = guidance.arms_of(OLD, quick=False)
    pairs = {
        (arm.variant.guidance["audio"], arm.variant.guidance["instrument"]) for arm in parts["grid"]
    }
    assert len(pairs) == len(parts["grid"]) == len(guidance.WEIGHTS) ** 2
    assert {pair for _, pair, _, _ in guidance.PAPER} == set(guidance.CORNERS) <= pairs
    assert all(set(arm.variant.guidance) == set(ALWAYS_GUIDED) for arm in parts["grid"])


@pytest.mark.parametrize("quick", [False, True])
def test_arms_of_one_name_are_the_same(quick):
    for parts in (guidance.arms_of(NEW, quick), causal_bias.arms_of(quick)):
        every = [arm for part in parts.values() for arm in part]
        named = {arm.name: arm for arm in every}
        assert all(named[arm.name] == arm for arm in every)


@pytest.mark.parametrize("steps", causal_bias.SCHEDULES)
def test_a_bias_that_does_not_grow_weighs_what_it_says(steps):
    settings = causal_bias.bias_arm(steps, 0.1, adaptive=False).variant.decode
    assert settings.causal_bias * bias_scale(steps[0]) == pytest.approx(0.1)
    grown = causal_bias.bias_arm(steps, 0.1).variant.decode
    assert grown.causal_bias == 0.1
    assert settings.confidence / grown.confidence == pytest.approx(1 / bias_scale(steps[0]))
