"""Sources are withheld one by one, and nothing else of a window changes."""

from __future__ import annotations

from dataclasses import fields

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from model.instruments import NULL
from model.request import SOURCES
from model.sources import UNKNOWN, Sources
from tests.model.conftest import random_sources


@given(told=st.sets(st.sampled_from(SOURCES)))
def test_what_is_told_is_told_and_nothing_else(told):
    sources = random_sources()
    assert sources.told() == set(SOURCES)
    assert sources.only(told).told() == told


@given(rows=st.lists(st.sets(st.sampled_from(SOURCES)), min_size=2, max_size=2))
def test_each_window_may_be_told_other_sources(rows):
    sources = random_sources()
    kept = sources.keep({name: torch.tensor([name in row for row in rows]) for name in SOURCES})
    for index, row in enumerate(rows):
        window = Sources(*(getattr(kept, f.name)[index : index + 1] for f in fields(kept)))
        assert window.told() == row


def test_a_withheld_source_leaves_its_mark():
    nothing = random_sources().only(set())
    assert (nothing.context == UNKNOWN).all() and (nothing.instrument == NULL).all()
    assert not (nothing.clock_known.any() or nothing.sound_known.any())
    assert not nothing.harmony_known.any()


@pytest.mark.parametrize("name", ["context", "guessed", "pitches"])
def test_the_mix_of_another_window_comes_with_all_that_belongs_to_it(name):
    sources = random_sources()
    other = sources.of_another()
    assert torch.equal(getattr(other, name)[1], getattr(sources, name)[0])
    assert torch.equal(other.instrument, sources.instrument)
