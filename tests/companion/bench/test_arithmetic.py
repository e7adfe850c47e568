"""What a plan computes is counted; how fast is only measured."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from companion.bench.arithmetic import arithmetic, count, step_seconds
from companion.generate.warmup import typical_request
from model.generator import StemGenerator
from model.request import DecodeSettings, StemRequest


@pytest.fixture(scope="module")
def request_(toy_generator: StemGenerator) -> StemRequest:
    """The typical one, in few steps."""
    return replace(typical_request(toy_generator), decode=DecodeSettings((2, 1, 1, 1)))


def test_a_pass_more_costs_as_much_again(
    toy_generator: StemGenerator, request_: StemRequest
) -> None:
    unguided = replace(request_, guidance=dict.fromkeys(request_.guidance, 1.0))
    _, two, sound = count(toy_generator, [request_], [request_])
    _, one, same_sound = count(toy_generator, [unguided], [unguided])
    assert two == pytest.approx(2 * one, rel=0.1)  # how many frames are open is the dice's
    assert sound == same_sound > 0


def test_a_player_more_costs_as_much_again(
    toy_generator: StemGenerator, request_: StemRequest
) -> None:
    _, steps, sound = count(toy_generator, [request_], [request_])
    _, both, sounds = count(toy_generator, [request_], [request_, request_])
    assert (both, sounds) == (pytest.approx(2 * steps), pytest.approx(2 * sound))


def test_what_the_plan_before_heard_is_not_encoded_again(
    toy_generator: StemGenerator, request_: StemRequest
) -> None:
    other = replace(request_, context=np.roll(request_.context, 7))
    again, anew = (count(toy_generator, [request_], [each])[0] for each in (request_, other))
    assert again < anew


def test_the_network_is_held_against_the_peak_of_its_own_precision(
    toy_generator: StemGenerator, request_: StemRequest, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("companion.bench.arithmetic.TIMES", 1)
    monkeypatch.setattr("companion.bench.arithmetic.PRODUCTS", 1)
    counted = arithmetic(toy_generator, [request_], [request_])
    assert counted.plan == pytest.approx(counted.begin + counted.steps + counted.audio)
    assert "float32" in counted.peak
    peak = counted.peak[counted.precision]
    assert 0 < peak < float("inf")
    assert counted.share(peak * 0.25, 0.5) == pytest.approx(0.5)


def test_steps_are_timed_until_there_are_enough_or_time_is_over(
    toy_generator: StemGenerator, request_: StemRequest
) -> None:
    taken = step_seconds(toy_generator, [request_], 60.0, most=9)
    assert len(taken) == 8 and min(taken) > 0
    assert len(step_seconds(toy_generator, [request_], 0.0)) == 1
