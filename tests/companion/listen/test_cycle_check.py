from __future__ import annotations

import numpy as np
import pytest

from companion.listen.cycle_check import CycleCheck
from companion.listen.cycle_finder import Bar
from companion.listen.fingerprint import beat_print
from tests.companion.listen.notes import RATE, beat


def bar(*chords: str, seed: int = 0, beats: int = 4) -> Bar:
    """A bar of one chord, or of several that share its beats."""
    dice = np.random.default_rng(seed)
    names = [chords[n * len(chords) // beats] for n in range(beats)]
    return tuple(beat_print(beat(name, 0.5, dice), RATE) for name in names)


def hear(check: CycleCheck, played: Bar, stand_in: Bar) -> list[bool]:
    """Whether the cycle holds after each beat."""
    holds = []
    for beats in range(1, len(played) + 1):
        check.hear(played[:beats], stand_in)
        holds.append(check.holds)
    return holds


def test_the_same_chords_again_hold() -> None:
    check = CycleCheck()
    for seed, chord in enumerate(("C", "Am", "F", "G")):
        assert hear(check, bar(chord, seed=seed), bar(chord, seed=10 + seed)) == [True] * 4


@pytest.mark.parametrize("other", ["Eb", "F#", "E", "Bb"])
def test_other_chords_are_noticed_after_two_beats(other: str) -> None:
    assert hear(CycleCheck(), bar(other, seed=1), bar("C")) == [True, False, False, False]


def test_a_change_half_way_is_noticed_before_the_bar_is_over() -> None:
    assert hear(CycleCheck(), bar("C", "F#", seed=1), bar("C"))[-1] is False


def test_it_holds_again_only_after_a_whole_bar_that_fits() -> None:
    check = CycleCheck()
    hear(check, bar("F#", seed=1), bar("C"))
    assert hear(check, bar("G", seed=2), bar("G")) == [False, False, False, True]


def test_another_metre_is_judged_at_its_own_bar_line() -> None:
    check = CycleCheck()
    assert hear(check, bar("F#", seed=1, beats=3), bar("C", beats=3))[-1] is False
    assert hear(check, bar("C", seed=1, beats=3), bar("C", beats=3)) == [False, False, True]


def test_what_has_no_harmony_contradicts_nothing() -> None:
    dice = np.random.default_rng(0)
    noise = [0.1 * dice.standard_normal(RATE // 2).astype(np.float32) for _ in range(8)]
    drums = tuple(beat_print(sound, RATE) for sound in noise)
    silence = (beat_print(np.zeros(RATE // 2, np.float32), RATE),) * 4
    for played in (drums[:4], silence):
        for stand_in in (drums[4:], silence, bar("C")):
            assert hear(CycleCheck(), played, stand_in) == [True] * 4
