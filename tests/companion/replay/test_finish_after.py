"""When a batch was told to finish is known from how many steps its stems took."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from companion.replay.finish_after import hurried_after

STEPS = st.lists(st.integers(1, 12), min_size=4, max_size=4)


def taken(steps: list[int], after: int) -> list[int]:
    """Steps of each level that a stem takes, told to finish after so many."""
    done = 0
    levels = []
    for level in steps:
        taken_here = min(level, max(0, after - done))
        levels.append(taken_here if taken_here == level else taken_here + 1)
        done += level
    return levels


@given(stems=st.lists(STEPS, min_size=1, max_size=3), after=st.integers(0, 60))
def test_the_step_that_is_found_comes_to_the_same(stems: list[list[int]], after: int) -> None:
    told = [(steps, sum(taken(steps, after))) for steps in stems]
    found = hurried_after(told)
    for steps in stems:
        assert taken(steps, 60 if found is None else found) == taken(steps, after)


def test_what_was_not_hurried_is_not() -> None:
    assert hurried_after([((8, 8, 4, 2), 22), ((3, 3, 1, 1), 8)]) is None
    assert hurried_after([]) is None
    assert hurried_after([((8, 8, 4, 2), 4)]) == 0
