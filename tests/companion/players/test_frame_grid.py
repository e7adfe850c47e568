from __future__ import annotations

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from companion.players.clips import CAPACITY_FRAMES, FrameGrid

SILENCE = np.arange(12, dtype=np.int16).reshape(4, 3)


def test_where_nothing_was_written_there_is_silence() -> None:
    read = FrameGrid(SILENCE).read(-5, 7)
    assert read.dtype == np.int16
    np.testing.assert_array_equal(read, SILENCE[:, [0, 1, 2, 0, 1, 2, 0]])


@given(st.lists(st.tuples(st.integers(-100, 400), st.integers(1, 100)), max_size=10))
def test_the_last_word_on_each_frame_counts(writes: list[tuple[int, int]]) -> None:
    grid, truth = FrameGrid(np.zeros((4, 1), np.int16)), np.zeros((4, 600), np.int16)
    for value, (first, frames) in enumerate(writes, 1):
        grid.write(first, np.full((4, frames), value, np.int16))
        truth[:, first + 100 : first + 100 + frames] = value
    np.testing.assert_array_equal(grid.read(-100, 600), truth)


def test_what_is_long_past_is_forgotten_not_mistaken() -> None:
    grid = FrameGrid(np.zeros((4, 1), np.int16))
    grid.write(10, np.ones((4, 1), np.int16))
    assert not grid.read(10 + CAPACITY_FRAMES, 1).any()
    grid.write(10 + CAPACITY_FRAMES, np.full((4, 1), 2, np.int16))
    assert not grid.read(10, 1).any()
