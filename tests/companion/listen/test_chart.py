"""A chart says which chord is where, however it is written."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.listen.chart import MOST_BARS, read_chart
from companion.system.errors import CompanionError


def written(chart) -> list[list[tuple[float, str]]]:
    return [[(float(c.place), c.name) for c in bar] for bar in chart.bars]


def test_one_chord_a_bar():
    chart = read_chart(["Am", "F", "C", "G7/B"], 4)
    assert written(chart) == [[(0, "Am")], [(0, "F")], [(0, "C")], [(0, "G7/B")]]


def test_chords_share_a_bar_or_lie_on_beats():
    chart = read_chart(["F G", "C . . G7", "% ", ". D . ."], 4)
    assert written(chart) == [
        [(0, "F"), (0.5, "G")],
        [(0, "C"), (0.75, "G7")],
        [(0, "C"), (0.75, "G7")],
        [(0, "G7"), (0.25, "D")],
    ]


def test_text_with_bar_lines_is_the_same():
    text = read_chart("| F G | C . . G7 |\n| % | . D . . |", 4)
    assert text == read_chart(["F G", "C . . G7", "%", ". D . ."], 4)


def test_repeats_are_written_out():
    chart = read_chart("|: Am | F :| C |: G :|3", 4)
    assert [bar[0].name for bar in chart.bars] == ["Am", "F", "Am", "F", "C", "G", "G", "G"]


def test_after_the_last_bar_it_begins_again():
    chart = read_chart(["Am", "F G"], 4)
    assert chart.at(0, Fraction(3, 4)).name == "Am"
    assert chart.at(5, Fraction(1, 2)).name == "G"
    assert chart.at(5, Fraction(49, 100)).name == "F"


@pytest.mark.parametrize(
    ("chords", "line"),
    [
        ([], "chords has 0 bars; valid: 1 to 512"),
        (["C"] * (MOST_BARS + 1), "chords has 513 bars; valid: 1 to 512"),
        (["%"], "chords, bar 1: '%' with no bar before it; valid: a chord"),
        (["C", ""], "chords, bar 2: nothing is written; valid: a chord, or % for the bar before"),
        (["C . ."], "chords, bar 1: 'C . .' has 3 beats; valid: 4, or no dots"),
        ([". . C ."], "chords, bar 1: '. . C .' begins with a dot; valid: a chord"),
        ("|: C", "chords is '|: C'; valid: each |: with its :|"),
        ("|: C :|9999", "chords repeats 9999 times; valid: 1 to 512"),
        (
            ["C", "Q7"],
            "chords, bar 2: chord is 'Q7'; valid: names such as Am, F#m7b5, G7/B, Csus4, or N.C. "
            "for none",
        ),
    ],
)
def test_what_is_no_chart_is_named_with_its_bar(chords, line):
    with pytest.raises(CompanionError) as error:
        read_chart(chords, 4)
    assert str(error.value) == line


@given(st.lists(st.sampled_from(["C", "Am F", "G . C .", "%"]), min_size=1), st.integers(0, 999))
def test_there_is_a_chord_at_every_place_of_every_bar(bars, bar):
    chart = read_chart(["C", *bars], 4)
    for beat in range(8):
        assert chart.at(bar, Fraction(beat, 8)).chord is not None


@given(st.text(alphabet="|:%. CFGam7x3\n", max_size=40))
def test_whatever_is_written_is_a_chart_or_refused(text):
    try:
        chart = read_chart(text, 4)
    except CompanionError as error:
        assert "\n" not in str(error).replace("\\n", "")
        return
    assert all(bar and bar[0].place == 0 for bar in chart.bars)
