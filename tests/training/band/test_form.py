from __future__ import annotations

import random

from hypothesis import given
from hypothesis import strategies as st

from training.band.form import BEATS_PER_BAR, MAX_BARS, Form, draw_form
from training.band.grooves import load_styles

forms = st.integers(0, 2**32).map(lambda seed: draw_form(random.Random(seed), load_styles()))


@given(forms)
def test_a_form_stays_within_what_the_band_plays(form: Form) -> None:
    assert 16 <= form.bars <= MAX_BARS
    assert 70 <= form.tempo <= 160
    assert 0 <= form.key < 12
    for section in form.sections:
        assert section.cycle_bars in (2, 4, 8, 12)
        assert section.groove in form.style.grooves
        assert section.fill is None or section.fill in form.style.fills


@given(forms)
def test_sections_follow_one_another_without_a_gap(form: Form) -> None:
    bar = 0
    for section in form.sections:
        assert section.first_bar == bar
        bar += section.bars
    assert bar == form.bars


@given(forms)
def test_every_bar_starts_with_a_chord_and_has_at_most_two(form: Form) -> None:
    places = [(chord.bar, chord.beat) for chord in form.chords]
    assert places == sorted(set(places))
    assert {bar for bar, beat in places if beat == 0} == set(range(form.bars))
    assert {beat for _, beat in places} <= {0, 2}


@given(forms)
def test_chords_repeat_with_the_cycle(form: Form) -> None:
    for section in form.sections:
        for bar in range(section.first_bar, section.first_bar + section.bars):
            if bar + section.cycle_bars >= section.first_bar + section.bars:
                break
            for beat in range(BEATS_PER_BAR):
                now = form.chord_at(bar * BEATS_PER_BAR + beat)
                later = form.chord_at((bar + section.cycle_bars) * BEATS_PER_BAR + beat)
                assert now == later


@given(forms)
def test_a_section_sounds_the_same_when_it_comes_back(form: Form) -> None:
    first, last = form.sections[0], form.sections[-1]
    assert (first.letter, last.letter) == ("A", "A")
    for beat in range(first.bars * BEATS_PER_BAR):
        assert form.chord_at(beat) == form.chord_at(last.first_bar * BEATS_PER_BAR + beat)


def test_the_set_is_varied() -> None:
    drawn = [draw_form(random.Random(seed), load_styles()) for seed in range(400)]
    assert {form.key for form in drawn} == set(range(12))
    assert {form.minor for form in drawn} == {True, False}
    assert len({form.style.idiom for form in drawn}) >= 10
    assert {section.cycle_bars for form in drawn for section in form.sections} == {2, 4, 8, 12}
    split = sum(any("/" in bar for s in form.sections for bar in s.progression) for form in drawn)
    assert 0.1 < split / len(drawn) < 0.4


def test_the_same_seed_draws_the_same_form() -> None:
    assert draw_form(random.Random("1/7"), load_styles()) == draw_form(
        random.Random("1/7"), load_styles()
    )
