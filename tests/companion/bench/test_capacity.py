"""A machine carries players as long as their plans fit into a part of a bar."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.bench.capacity import SHARE, Capacity
from companion.clock.meter import METERS
from companion.control.preset import load_preset
from companion.generate.protocol import Ready
from companion.system.errors import CompanionError

KNOBS = load_preset("bass").store().snapshot("bass")
READY = Ready(512, "cpu", 1.0, 2, np.zeros((4, 512), np.int16))
TIMINGS = {"encode": 0.05, "read_prefix": 0.02, "decode_tokens": 0.5, "decode_audio": 0.1}


def capacity(one_s: float, three_s: float, bpm: int = 120, meter: str = "4/4") -> Capacity:
    return Capacity(READY, METERS[meter], Fraction(bpm), KNOBS, TIMINGS, {1: one_s, 3: three_s})


SECONDS = st.floats(0.01, 20.0)


@given(SECONDS, SECONDS)
def test_what_was_measured_is_taken_as_it_is(one_s: float, more_s: float) -> None:
    machine = capacity(one_s, one_s + more_s)
    steps = int(KNOBS["steps"])
    assert machine.seconds(1, Fraction(120), steps) == pytest.approx(one_s)
    assert machine.seconds(3, Fraction(120), steps) == pytest.approx(one_s + more_s)
    assert machine.carries(1, Fraction(120), steps) == (one_s <= SHARE * 2.0)
    between = machine.seconds(2, Fraction(120), steps)
    assert between == pytest.approx(one_s + more_s / 2)


@settings(max_examples=20)
@given(SECONDS, SECONDS, st.sampled_from(["4/4", "3/4", "6/8", "7/4"]))
def test_the_tempo_that_is_named_is_the_fastest_that_is_carried(
    one_s: float, more_s: float, meter: str
) -> None:
    machine = capacity(one_s, one_s + more_s, 140, meter)
    for players in (1, 3):
        for each in machine.carried(players):
            assert each.players == players
            assert machine.carries(players, Fraction(each.bpm), each.steps)
        whole = [each for each in machine.carried(players) if each.steps == KNOBS["steps"]]
        for each in whole:
            assert each.bpm == 240 or not machine.carries(
                players, Fraction(each.bpm + 1), each.steps
            )


@settings(max_examples=20)
@given(SECONDS, SECONDS, st.floats(1.0, 10.0))
def test_a_slower_machine_carries_no_more(one_s: float, more_s: float, slower: float) -> None:
    fast = capacity(one_s, one_s + more_s)
    slow = capacity(one_s * slower, (one_s + more_s) * slower)
    for players in (1, 2, 3):
        best = max((each.bpm for each in fast.carried(players)), default=0)
        assert max((each.bpm for each in slow.carried(players)), default=0) <= best
        most, fewer = (m.most_steps(players, Fraction(120)) or 0 for m in (fast, slow))
        assert fewer <= most


def test_fewer_steps_are_named_where_all_of_them_are_too_many() -> None:
    (whole,) = capacity(0.3, 0.9).carried(3)
    assert (whole.steps, whole.bpm >= 120) == (8, True)
    at_tempo = capacity(0.5, 1.9).carried(3)[-1]
    assert at_tempo.bpm == 120 and 1 <= at_tempo.steps < 8
    assert capacity(30.0, 90.0).carried(3) == ()


def test_one_number_of_players_is_enough_to_reckon_from() -> None:
    machine = replace(capacity(0.4, 1.0), plan_s={1: 0.4})
    assert machine.seconds(2, Fraction(120), 8) == pytest.approx(0.8)


def test_a_bar_that_no_window_holds_is_carried_by_nobody() -> None:
    short = Ready(64, "cpu", 1.0, 2, np.zeros((4, 64), np.int16))
    machine = replace(capacity(0.01, 0.02), ready=short)
    assert not machine.carries(1, Fraction(120), 8)
    with pytest.raises(CompanionError, match="valid: a faster tempo"):
        machine.seconds(1, Fraction(120), 8)
