from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from companion.listen.cycle_finder import Bar, CycleFinder, likeness
from companion.listen.fingerprint import BeatPrint


def bar(chord: int, dice: np.random.Generator, noise: float = 0.5, sounds: bool = True) -> Bar:
    """A bar whose prints are those of a chord, and something of its own in every beat."""
    ideal = np.random.default_rng(chord)
    chords, bass = ideal.standard_normal(12), ideal.standard_normal(12)
    drums = np.random.default_rng(999).standard_normal(12)
    return tuple(
        BeatPrint(
            *(
                (part + noise * dice.standard_normal(12)).astype(np.float32)
                for part in (chords, bass, drums)
            ),
            sounds,
        )
        for _ in range(4)
    )


def hear(
    finder: CycleFinder, chords: Sequence[int], noise: float = 0.5, seed: int = 0
) -> list[int]:
    """The cycle after each bar."""
    dice, found = np.random.default_rng(seed), []
    for chord in chords:
        finder.add(bar(chord, dice, noise))
        found.append(finder.cycle)
    return found


@pytest.mark.parametrize("length", [2, 3, 4, 5, 6, 8, 12, 16])
@pytest.mark.parametrize("start", [1, 4, 7])
def test_a_length_is_found_before_it_has_come_twice(length: int, start: int) -> None:
    found = hear(CycleFinder(start), [*range(length)] * max(4, 24 // length))
    # A present multiple may stay: what it stands in with is as right.
    right = [cycle % length == 0 for cycle in found]
    first = right.index(True)
    assert first < 2 * length + 8
    assert all(right[first:])
    assert found[-1] in (length, start)


def test_a_multiple_is_not_taken_for_the_length() -> None:
    assert 8 not in hear(CycleFinder(4), [0, 1, 2, 3] * 10)


def test_a_longer_length_is_taken_where_one_bar_in_it_differs_clearly() -> None:
    found = hear(CycleFinder(4), [0, 1, 2, 3, 0, 1, 4, 5] * 4, noise=0.3)
    assert found[-1] == 8


def test_where_nothing_repeats_the_given_length_stays() -> None:
    assert set(hear(CycleFinder(4), range(40))) == {4}


def test_where_every_bar_is_alike_the_given_length_may_stay_but_no_longer_one_is_taken() -> None:
    assert max(hear(CycleFinder(4), [0] * 40)) <= 4


def test_what_was_heard_long_ago_does_not_count() -> None:
    finder = CycleFinder(4)
    hear(finder, [0, 1, 2, 3] * 8)
    assert hear(finder, [*range(10, 18)] * 6, seed=1)[-1] == 8


def test_silent_bars_say_nothing() -> None:
    finder, dice = CycleFinder(4), np.random.default_rng(0)
    for _ in range(40):
        finder.add(bar(0, dice, sounds=False))
    assert finder.cycle == 4
    assert finder.confidence is None


def test_a_given_length_is_gone_on_from() -> None:
    finder = CycleFinder(4)
    hear(finder, [0, 1, 2, 3] * 3)
    finder.start_from(7)
    assert finder.cycle == 7
    assert hear(finder, [0, 1, 2, 3] * 3, seed=1)[-1] == 4


def test_confidence_is_high_where_the_music_repeats_and_low_where_it_does_not() -> None:
    steady, wandering = CycleFinder(4), CycleFinder(4)
    hear(steady, [0, 1, 2, 3] * 5)
    hear(wandering, range(20))
    assert steady.confidence is not None
    assert wandering.confidence is not None
    assert 0.0 <= wandering.confidence < 0.4 < 0.6 < steady.confidence <= 1.0


def test_bars_of_different_metres_are_not_compared() -> None:
    dice = np.random.default_rng(0)
    assert np.isnan(likeness(bar(0, dice), bar(0, dice)[:3]))
