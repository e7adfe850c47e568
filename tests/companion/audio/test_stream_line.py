"""The line of a stream on the host's clock."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.audio.stream_line import StreamLine

RATE, BLOCK = 48_000, 256


def look(grid: StreamLine, first: int, looks: int, late_s: list[float], lost: float = 0.0) -> None:
    """Look right after so many blocks; each is late by its share of the list, again and again."""
    for number in range(first, first + looks):
        due_s = (number * BLOCK + lost) / RATE
        grid.observe(due_s + late_s[number % len(late_s)], number * BLOCK)


@given(st.lists(st.floats(0, 0.1), min_size=1, max_size=20))
def test_the_most_punctual_blocks_are_the_line(late_s: list[float]) -> None:
    grid = StreamLine(RATE)
    look(grid, 0, 100, [0.0, *late_s])
    assert grid.ahead_samples == pytest.approx(0.0, abs=1e-3)


@given(st.floats(0, 5000), st.integers(1, 20))
def test_what_the_stream_lost_is_off_the_line_at_once(lost: float, looks: int) -> None:
    grid = StreamLine(RATE)
    look(grid, 0, 100, [0.0, 0.01])
    grid.lose(lost)
    look(grid, 100, looks, [0.01], lost)
    assert grid.ahead_samples == pytest.approx(-lost, abs=1e-3)
