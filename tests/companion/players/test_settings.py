"""Knobs mean to the generator and the mixer what the table says."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.parameters import BY_NAME
from companion.players.settings import decode_settings, gain_of, guidance_of
from model.request import check_guidance
from tests.companion.studio import solo


@given(steps=st.integers(1, 64))
def test_every_number_of_steps_gives_every_level_at_least_one(steps: int) -> None:
    knobs = {**solo().store().snapshot("bass"), "steps": steps}
    levels = decode_settings(knobs).steps
    assert levels[0] == steps
    assert all(1 <= finer <= coarser for coarser, finer in pairwise(levels))


def test_the_defaults_are_what_the_generator_takes() -> None:
    knobs = solo().store().snapshot("bass")
    check_guidance(guidance_of(knobs))
    assert guidance_of(knobs)["audio"] == BY_NAME["guidance_audio"].default


@pytest.mark.parametrize(("level_db", "gain"), [(0.0, 1.0), (-20.0, 0.1), (-60.0, 0.0)])
def test_levels_are_decibels_and_the_bottom_is_off(level_db: float, gain: float) -> None:
    assert gain_of(level_db) == pytest.approx(gain)
