from __future__ import annotations

import random
from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from training.band.form import BEATS_PER_BAR, draw_form
from training.band.grooves import load_styles
from training.band.melody import write_lead, write_pad

seeds = st.integers(0, 2**32)


@given(seeds)
def test_a_lead_stays_in_its_range_and_in_the_song(seed: int) -> None:
    rng = random.Random(seed)
    form = draw_form(rng, load_styles())
    notes = write_lead(rng, form, 60, 84)
    assert notes
    for note in notes:
        assert 60 <= note.pitch <= 84
        assert 0 <= note.beat < form.bars * BEATS_PER_BAR
        assert note.beats > 0
        assert 1 <= note.velocity <= 127


@given(seeds)
def test_a_lead_plays_chord_tones_on_the_beat(seed: int) -> None:
    rng = random.Random(seed)
    form = draw_form(rng, load_styles())
    for note in write_lead(rng, form, 60, 84):
        if note.beat % 1 == 0:
            assert note.pitch % 12 in form.chord_at(note.beat).pitch_classes


@given(seeds)
def test_a_lead_comes_back_with_the_cycle(seed: int) -> None:
    """Bars before the last of a section are those of the cycle before."""
    rng = random.Random(seed)
    form = draw_form(rng, load_styles())
    notes = write_lead(rng, form, 60, 84)

    def bar(number: int) -> list[tuple[float, int]]:
        start = number * BEATS_PER_BAR
        return [(round(n.beat - start, 6), n.pitch) for n in notes if start <= n.beat < start + 4]

    for section in form.sections:
        span = max(4, section.cycle_bars)
        for number in range(section.first_bar, section.first_bar + section.bars - span - 1):
            assert bar(number) == bar(number + span)


@given(seeds)
def test_held_chords_sound_the_chart_and_nothing_else(seed: int) -> None:
    rng = random.Random(seed)
    form = draw_form(rng, load_styles())
    struck: dict[float, set[int]] = {}
    for note in write_pad(rng, form):
        struck.setdefault(note.beat, set()).add(note.pitch)
        assert 40 <= note.pitch <= 90
        assert note.beat + note.beats <= form.bars * BEATS_PER_BAR
    for beat, pitches in struck.items():
        expected = form.chord_at(beat).pitch_classes[:4]
        assert {pitch % 12 for pitch in pitches} == set(expected)
    for entry in form.chords:
        assert entry.bar * BEATS_PER_BAR + entry.beat in struck


def test_swung_leads_avoid_the_straight_off_beat() -> None:
    rng = random.Random(4)
    form = draw_form(rng, load_styles())
    swung = replace(form, style=replace(form.style, feel="swing"))
    fractions = {round(note.beat % 1, 3) for note in write_lead(rng, swung, 60, 84)}
    assert fractions <= {0.0, 0.667}
