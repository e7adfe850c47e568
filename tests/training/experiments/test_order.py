"""The order in which frames are filled, as the real decoding fills them."""

from __future__ import annotations

import pytest
import torch

from model.decoding import TokenDecoding
from model.request import DecodeSettings
from training.experiments.order import front_to_back, simulated


def settings(steps: int, bias: float, randomness: float = 1.0) -> DecodeSettings:
    return DecodeSettings((steps,) * 4, bias, 0.0, randomness)


def test_bias_alone_goes_from_front_to_back_and_chance_alone_nowhere():
    assert simulated(settings(8, 0.1, randomness=0.0)) > 0.97
    assert abs(simulated(settings(8, 0.0))) < 0.1


def test_more_bias_is_more_in_order():
    found = [simulated(settings(8, bias)) for bias in (0.0, 0.05, 0.1, 0.5)]
    assert found == sorted(found)


def test_the_order_stays_when_steps_get_fewer():
    found = [simulated(settings(steps, 0.1)) for steps in (4, 32)]
    assert found[0] == pytest.approx(found[1], abs=0.06)


def test_one_step_has_no_order():
    assert simulated(settings(1, 0.5)) == 0.0


def test_only_what_is_open_counts_and_finer_levels_stay_open():
    decoding = TokenDecoding(
        torch.zeros(4, 10, dtype=torch.long),
        60,
        settings(8, 0.2, randomness=0.0),
        0,
        lambda tokens, level, positions: (torch.zeros(len(positions), 2), None),
    )
    assert front_to_back(decoding) > 0.9
    assert decoding.steps_done == 8 and decoding.open[0] == 1
