"""Who is nearer to the music tells the chord."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.listen.chart import read_chart
from companion.listen.chord import read_chord
from companion.listen.harmony import Harmony, told_frames

START = Fraction(0)
GRID = Grid(48_000, Fraction(120), 0)  # a bar is 100 frames


def test_keyboard_then_what_was_sent_then_the_chart():
    harmony = Harmony(read_chart(["C", "F"], 4))
    assert harmony.at(1, START) == read_chord("F")
    harmony.send(read_chord("Dm"))
    assert harmony.at(1, START) == read_chord("F"), "not before it is taken in"
    harmony.catch_up(1)
    assert harmony.at(0, START) == read_chord("C")
    assert harmony.at(1, START) == harmony.at(7, START) == read_chord("Dm")
    harmony.hold([64, 67, 71])
    harmony.catch_up(3)
    assert harmony.at(2, START) == read_chord("Dm") and harmony.at(7, START) == read_chord("Em")
    harmony.hold([])
    harmony.catch_up(5)
    assert harmony.at(4, START) == read_chord("Em") and harmony.at(5, START) == read_chord("Dm")
    harmony.release(6)
    harmony.catch_up(5)
    assert harmony.at(5, START) == read_chord("Dm") and harmony.at(6, START) == read_chord("C")


def test_no_chord_may_be_sent_where_the_chart_has_one():
    harmony = Harmony(read_chart(["C"], 4))
    harmony.send(None, 2)
    harmony.catch_up(0)
    assert harmony.at(1, START) is not None and harmony.at(2, START) is None


def test_before_bar_0_there_is_no_chart():
    assert Harmony(read_chart(["C"], 4)).at(-1, START) is None


def test_nobody_tells_one():
    assert Harmony().changes(GRID, 0, 400) == ()
    assert told_frames((), 400).shape == (0, 24)


def test_a_window_has_the_changes_that_lie_in_it():
    harmony = Harmony(read_chart(["C G", "Am"], 4))
    changes = harmony.changes(GRID, 20, 200)
    assert [frame for frame, *_ in changes] == [0, 30, 80, 180]
    assert [bass for *_, bass in changes] == [0, 7, 9, 0]
    told = told_frames(changes, 200)
    assert (told[29] == read_chord("C").told()).all() and (told[30] == read_chord("G").told()).all()
    assert told.dtype == np.float32


def test_a_chord_that_goes_on_is_no_change():
    assert len(Harmony(read_chart(["C", "C", "%"], 4)).changes(GRID, 0, 300)) == 1


def test_where_none_is_told_nothing_is_told():
    harmony = Harmony(read_chart(["C", "N.C."], 4))
    told = told_frames(harmony.changes(GRID, 0, 200), 200)
    assert told[:100].any(1).all() and not told[100:].any()


@given(
    bpm=st.integers(40, 240),
    first=st.integers(-300, 5_000),
    frames=st.integers(1, 512),
    sent=st.lists(st.tuples(st.integers(0, 60), st.sampled_from(["C", "Fm", "N.C.", None]))),
)
def test_every_frame_has_the_chord_of_its_middle(bpm, first, frames, sent):
    grid = Grid(48_000, Fraction(bpm), 0)
    harmony = Harmony(read_chart(["C F", "G . Am .", "%"], 4))
    for bar, name in sent:
        harmony.release(bar) if name is None else harmony.send(read_chord(name), bar)
    harmony.catch_up(0)
    told = told_frames(harmony.changes(grid, first, frames), frames)
    for frame in range(frames):
        at = (first + frame + Fraction(1, 2)) / grid.bar_frames
        chord = harmony.at(int(at // 1), at % 1)
        expected = np.zeros(24, np.float32) if chord is None else chord.told()
        assert (told[frame] if len(told) else np.zeros(24)).tolist() == expected.tolist()


@given(st.lists(st.tuples(st.integers(0, 40), st.booleans()), max_size=30), st.integers(0, 40))
def test_the_last_word_for_a_bar_counts_until_the_next(words, bar):
    harmony, last = Harmony(), dict[int, bool]()
    for at, sent in words:
        harmony.send(read_chord("C"), at) if sent else harmony.release(at)
        last[at] = sent
    harmony.catch_up(0)
    before = [at for at in last if at <= bar]
    expected = read_chord("C") if before and last[max(before)] else None
    assert harmony.at(bar, START) == expected


def test_it_does_not_grow_without_end():
    harmony = Harmony()
    for bar in range(3_000):
        harmony.send(read_chord("C"), bar)
        harmony.catch_up(bar)
    assert len(harmony._sent._bars) <= 65
    assert harmony.at(2_999, START) is not None
