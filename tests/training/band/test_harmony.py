from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.band.harmony import (
    QUALITIES,
    Chord,
    chord_of,
    enrich,
    scale_of,
)

seeds = st.integers(0, 2**32)


@pytest.mark.parametrize(
    ("token", "key", "name"),
    [
        ("I", 0, "C"),
        ("vi", 0, "Am"),
        ("V7", 2, "A7"),
        ("bVII", 9, "G"),
        ("iiø", 9, "Bm7b5"),
        ("bIIIM7", 0, "EbM7"),
        ("i7", 11, "Bm7"),
    ],
)
def test_a_numeral_becomes_the_chord_of_its_key(token: str, key: int, name: str) -> None:
    assert chord_of(token, key).name == name


def test_what_is_no_numeral_is_refused_by_name() -> None:
    with pytest.raises(ValueError, match="'H7'"):
        chord_of("H7", 0)


@given(seeds, st.integers(0, 11), st.sampled_from(sorted(QUALITIES)))
def test_a_richer_chord_keeps_its_root(seed: int, root: int, quality: str) -> None:
    richer = enrich(random.Random(seed), Chord(root, quality), 1.0)
    assert richer.root == root
    assert richer.quality in QUALITIES


def test_nothing_is_enriched_at_chance_zero() -> None:
    assert enrich(random.Random(0), Chord(0, ""), 0.0) == Chord(0, "")


def test_a_minor_scale_is_its_relative_major() -> None:
    assert set(scale_of(9, minor=True)) == set(scale_of(0, minor=False))
