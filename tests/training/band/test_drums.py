from __future__ import annotations

import random
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from training.band.drums import PATTERNS, Pattern, add_fills, draw_pattern, play_pattern
from training.band.form import BEATS_PER_BAR, Form, draw_form
from training.band.grooves import load_styles

seeds = st.integers(0, 2**32)


def _form(seed: int, feel: str = "straight") -> Form:
    form = draw_form(random.Random(seed), load_styles())
    return replace(form, style=replace(form.style, feel=feel))


@pytest.mark.parametrize("pattern", PATTERNS)
def test_a_pattern_is_one_bar_of_sixteenths(pattern: Pattern) -> None:
    for _, line in pattern.lines:
        assert len(line) == 16
        assert set(line) <= set("xo.-")


@given(seeds, st.sampled_from(PATTERNS))
def test_a_pattern_plays_every_bar_on_the_grid(seed: int, pattern: Pattern) -> None:
    form = _form(seed)
    notes = play_pattern(random.Random(seed), form, pattern)
    assert {int(note.beat // BEATS_PER_BAR) for note in notes} == set(range(form.bars))
    assert all(note.beat * 4 % 1 == 0 for note in notes)


@given(seeds, st.sampled_from(["straight", "swing"]))
def test_fills_change_only_the_last_two_beats_of_a_section(seed: int, feel: str) -> None:
    form = _form(seed, feel)
    notes = play_pattern(random.Random(seed), form, PATTERNS[0])
    filled = add_fills(random.Random(seed), form, notes, every=True)
    ends = [(section.first_bar + section.bars) * BEATS_PER_BAR for section in form.sections]
    changed = set(notes) ^ set(filled)
    assert all(any(end - 2 <= note.beat < end for end in ends) for note in changed)
    assert list(filled) == sorted(filled, key=lambda note: (note.beat, note.pitch))


def test_a_fill_of_the_groove_is_left_alone() -> None:
    form = _form(1)
    sections = tuple(replace(section, fill="SomeFill") for section in form.sections)
    form = replace(form, sections=sections)
    notes = tuple(sorted(play_pattern(random.Random(1), form, PATTERNS[0]), key=lambda n: n.beat))
    assert set(add_fills(random.Random(1), form, notes, every=False)) == set(notes)


def test_swung_styles_keep_the_drums_of_the_groove() -> None:
    assert all(draw_pattern(random.Random(n), _form(n, "swing")) is None for n in range(50))
