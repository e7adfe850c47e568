"""A copied passage is found wherever it is and in whatever key; what is new is not near."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.evaluation.copying import Library, copied_share
from training.evaluation.fingerprint import likeness, transposed

BARS = 12


def prints(seed: int, bars: int = BARS) -> np.ndarray:
    """Bars that have nothing in common: both halves of norm sqrt(1/2)."""
    rng = np.random.default_rng(seed)
    pitch, rhythm = rng.normal(size=(bars, 48)), rng.random((bars, 16)) < 0.4
    rhythm[:, 0] = True
    halves = [h / np.linalg.norm(h, axis=1, keepdims=True) for h in (pitch, rhythm.astype(float))]
    return (np.concatenate(halves, axis=1) / np.sqrt(2)).astype(np.float32)


LIBRARY = Library([(f"song {seed}", prints(seed)) for seed in range(20)])


@given(
    seed=st.integers(0, 19),
    bar=st.integers(0, BARS - 4),
    own_bar=st.integers(0, 4),
    semitones=st.integers(0, 11),
)
def test_a_copied_passage_is_found_in_any_key(seed, bar, own_bar, semitones):
    stem = prints(1000, bars=8)
    stem[own_bar : own_bar + 4] = transposed(prints(seed)[bar : bar + 4], -semitones)
    nearest = LIBRARY.nearest(stem)
    assert nearest is not None
    assert nearest.likeness == pytest.approx(1.0, abs=1e-5)
    assert (nearest.name, nearest.bar) == (f"song {seed}", bar)
    assert (nearest.own_bar, nearest.semitones) == (own_bar, semitones)


def test_one_bar_of_four_is_no_copy():
    stem = prints(1000, bars=8)
    stem[2] = prints(3)[5]
    nearest = LIBRARY.nearest(stem)
    assert nearest is not None and nearest.likeness < 0.75


def test_bars_in_another_order_are_no_copy():
    nearest = LIBRARY.nearest(prints(3)[::-1])
    assert nearest is not None and nearest.likeness < 0.75


def test_passages_do_not_run_from_one_song_into_the_next():
    stem = np.concatenate([prints(3)[-2:], prints(4)[:2]])
    nearest = LIBRARY.nearest(stem)
    assert nearest is not None and nearest.likeness < 0.9


def test_silence_copies_nothing():
    nearest = LIBRARY.nearest(np.zeros((8, 64), np.float32))
    assert nearest is not None and nearest.likeness == 0.0


def test_what_is_shorter_than_a_passage_has_no_nearest_and_makes_no_library():
    assert LIBRARY.nearest(prints(0)[:3]) is None
    with pytest.raises(ValueError, match="no stem has 4 bars"):
        Library([("short", prints(0)[:3])])
    mixed = Library([("short", prints(0)[:3]), ("long", prints(1))])
    nearest = mixed.nearest(prints(1))
    assert nearest is not None and (nearest.name, nearest.bar) == ("long", 0)


def test_of_passages_that_rounding_alone_sets_apart_the_first_is_taken():
    """A riff that comes back: every bar of it is as near, whichever bits its products end in."""
    riff = np.tile(prints(5)[:4], (4, 1))
    dice = np.random.default_rng(0)
    for _ in range(50):
        noisy = riff * (1 + 1e-7 * dice.integers(-1, 2, riff.shape)).astype(np.float32)
        library = Library([("first", noisy), ("second", riff)])
        nearest = library.nearest(noisy)
        assert nearest is not None
        assert (nearest.name, nearest.bar, nearest.own_bar, nearest.semitones) == ("first", 0, 0, 0)
        assert nearest.likeness <= 1.0


def test_no_likeness_is_above_one():
    for seed in range(50):
        one = prints(seed)
        nearest = Library([("itself", one)]).nearest(one)
        assert nearest is not None and nearest.likeness <= 1.0
        assert likeness(one, one) <= 1.0


def test_the_share_is_counted_from_what_chance_gives():
    held_out = np.linspace(0.0, 1.0, 101)  # the 99 % quantile is 0.99
    assert copied_share([0.98, 0.991, 1.0, 0.5], held_out) == 0.5
    assert copied_share(held_out, held_out) == pytest.approx(0.01, abs=0.005)
    assert copied_share([1.0, 1.0], held_out) == 1.0


@pytest.mark.parametrize(("ours", "held_out"), [([], [0.5]), ([0.5], [])])
def test_no_stems_are_refused(ours, held_out):
    with pytest.raises(ValueError, match="valid: some of each"):
        copied_share(ours, held_out)
