"""Who is nearer to the music tells the chord."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from companion.listen.chart import read_chart
from companion.listen.chord import read_chord
from companion.listen.harmony import Harmony

START = Fraction(0)


def test_keyboard_then_what_was_sent_then_the_chart():
    harmony = Harmony(read_chart(["C", "F"], 4))
    assert harmony.at(1, START) == read_chord("F")
    harmony.send(1, read_chord("Dm"))
    assert harmony.at(0, START) == read_chord("C")
    assert harmony.at(1, START) == harmony.at(7, START) == read_chord("Dm")
    harmony.hold([64, 67, 71])
    assert harmony.at(7, START) == read_chord("Em")
    harmony.hold([])
    assert harmony.at(7, START) == read_chord("Dm")
    harmony.release(4)
    assert harmony.at(3, START) == read_chord("Dm") and harmony.at(4, START) == read_chord("C")


def test_no_chord_may_be_sent_where_the_chart_has_one():
    harmony = Harmony(read_chart(["C"], 4))
    harmony.send(2, None)
    assert harmony.at(1, START) is not None and harmony.at(2, START) is None


def test_nobody_tells_one():
    assert Harmony().at(3, START) is None
    assert Harmony().told([(bar, START) for bar in range(5)]).shape == (0, 24)


def test_the_generator_is_told_frame_by_frame():
    harmony = Harmony(read_chart(["C G"], 4))
    harmony.send(1, None)
    told = harmony.told([(0, START), (0, Fraction(1, 2)), (1, START)])
    assert (told[0] == read_chord("C").told()).all() and (told[1] == read_chord("G").told()).all()
    assert not told[2].any() and told.dtype == np.float32


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=30), st.integers(0, 40))
def test_the_last_word_for_a_bar_counts_until_the_next(words, bar):
    harmony, last = Harmony(), dict[int, bool]()
    for at, sent in words:
        harmony.send(at, read_chord("C")) if sent else harmony.release(at)
        last[at] = sent
    before = [at for at in last if at <= bar]
    expected = read_chord("C") if before and last[max(before)] else None
    assert harmony.at(bar, START) == expected


def test_it_does_not_grow_without_end():
    harmony = Harmony()
    for bar in range(10_000):
        harmony.send(bar, read_chord("C"))
    assert len(harmony._sent) <= 65
    assert harmony.at(9_999, START) is not None
