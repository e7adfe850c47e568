"""A control that stands elsewhere takes its knob over without a jump, if it is to."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.takeover import REACH, Takeover, TakeoverKind

STANDS = st.floats(0, 1)
PATH = st.lists(STANDS, min_size=1, max_size=30)


def followed(kind: TakeoverKind, path: list[float], knob: float) -> list[float]:
    """Where the knob is after each move."""
    takeover, places = Takeover(kind), []
    for stand in path:
        to = takeover.moved(stand, knob, elsewhere=False)
        knob = knob if to is None else to
        places.append(knob)
    return places


@given(PATH, STANDS)
def test_an_immediate_one_jumps(path: list[float], knob: float) -> None:
    assert followed("immediate", path, knob) == path


@given(PATH, STANDS)
def test_pick_up_waits_until_the_knob_is_met_and_then_follows(
    path: list[float], knob: float
) -> None:
    places, before, met = followed("pick-up", path, knob), None, False
    for stand, place in zip(path, places, strict=True):
        near = abs(stand - knob) <= REACH
        met = met or near or (before is not None and (before <= knob) == (knob <= stand))
        if not met:
            assert place == knob
        elif near or place != knob:
            assert place == stand
        before = stand


def test_pick_up_says_that_it_waits() -> None:
    takeover = Takeover("pick-up")
    assert (takeover.moved(0.1, 0.6, True), takeover.waiting) == (None, True)
    assert (takeover.moved(0.5, 0.6, True), takeover.waiting) == (None, True)
    assert (takeover.moved(0.7, 0.6, True), takeover.waiting) == (0.7, False)


def test_pick_up_begins_anew_when_something_else_has_moved_the_knob_or_the_device_was_away() -> (
    None
):
    takeover = Takeover("pick-up")
    assert takeover.moved(0.6, 0.6, True) == 0.6
    assert takeover.moved(0.9, 0.6, False) == 0.9
    assert takeover.moved(0.8, 0.2, True) is None
    assert takeover.moved(0.2, 0.2, True) == 0.2
    takeover.forget()
    assert takeover.moved(0.9, 0.2, False) is None


def test_pick_up_takes_the_value_that_is_meant_though_it_lies_elsewhere_on_the_way() -> None:
    assert Takeover("pick-up").moved(0.4, 0.5, True, reached=True) == 0.4


@given(st.lists(STANDS, min_size=2, max_size=30), STANDS)
def test_a_scaled_one_moves_the_same_way_without_a_jump(path: list[float], knob: float) -> None:
    places = [knob, *followed("scaled", path, knob)]
    assert all(-1e-9 <= place <= 1 + 1e-9 for place in places)
    assert abs(places[1] - places[0]) <= REACH  # how far it came is not known
    for (before, stand), (was, place) in zip(pairwise(path), pairwise(places[1:]), strict=True):
        if abs(stand - was) > REACH:
            assert (place - was) * (stand - before) >= -1e-9


@given(STANDS, STANDS, st.sampled_from([0.0, 1.0]))
def test_a_scaled_one_comes_to_the_end_with_its_knob(start: float, knob: float, end: float) -> None:
    places = followed("scaled", [start, (start + end) / 2, end], knob)
    if start != end:
        assert places[-1] == pytest.approx(end, abs=1e-6)
