"""What a generator says of itself is checked where it is made."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from model.abilities import Abilities
from model.request import ALWAYS_GUIDED


def test_the_defaults_are_the_papers_way() -> None:
    plain = Abilities()
    assert not (plain.in_depth or plain.guided or plain.guesses)
    assert plain.sources == ALWAYS_GUIDED
    assert plain.sounds.shape == (18, 0, 0)


@pytest.mark.parametrize(
    ("wrong", "named"),
    [
        ({"sources": ("audio", "taste")}, "sources are"),
        ({"sounds": np.zeros((17, 2, 8), np.float32)}, "sounds is float32"),
        ({"sounds": np.zeros((18, 2, 8))}, "sounds is float64"),
        ({"sounds": np.full((18, 2, 8), np.nan, np.float32)}, "sounds holds NaN"),
    ],
)
def test_what_is_not_valid_is_named(wrong: dict, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        replace(Abilities(), **wrong)
