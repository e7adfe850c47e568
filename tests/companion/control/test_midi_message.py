"""MIDI messages say which control was moved and to what, whatever comes between them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from companion.control.midi_message import HALF_S, Control, Decoder, Move

CC = 0xB0
SEVEN = st.integers(0, 127)
FOURTEEN = st.integers(0, 2**14 - 1)
NOISE = st.sampled_from(
    [
        (0xF8,),
        (0xFE,),
        (CC, 74, 9),
        (0x90, 60, 100),
        (0xB1, 20, 1),
        (0xB1, 52, 2),
        (CC, 7),
        (),
        (9,),
    ]
)
FINE = Control("cc14", 1, 20)


def decoded(
    messages: Iterable[Sequence[int]], decoder: Decoder | None = None, apart_s: float = 0.0
) -> list[Move]:
    """The moves of messages so far apart, and those that have settled a good while after them."""
    decoder = decoder or Decoder()
    moves, now_s = [], 0.0
    for message in messages:
        now_s += apart_s
        moves += decoder.moves(message, now_s)
    return [*moves, *decoder.settled(now_s + 1.0)]


def values(moves: Iterable[Move], control: Control) -> list[int]:
    return [move.value for move in moves if move.control == control]


@pytest.mark.parametrize(
    ("message", "control", "value"),
    [
        ((0xB2, 74, 99), Control("cc", 3, 74), 99),
        ((0x9F, 36, 100), Control("note", 16, 36), 100),
        ((0x9F, 36, 0), Control("note", 16, 36), 0),
        ((0x8F, 36, 64), Control("note", 16, 36), 0),
        ((0xC0, 5), Control("program", 1), 5),
        ((0xD0, 90), Control("pressure", 1), 90),
        ((0xA0, 36, 90), Control("key_pressure", 1, 36), 90),
        ((0xE0, 0, 64), Control("bend", 1), 8192),
        ((0xE0, 127, 127), Control("bend", 1), 16383),
    ],
)
def test_one_message_is_one_move(message: tuple[int, ...], control: Control, value: int) -> None:
    assert decoded([message]) == [Move(control, value)]


def halves(value: int, lsb_first: bool, msb_cc: int = 20, lsb_cc: int = 52) -> list[tuple]:
    both = [(CC, msb_cc, value >> 7), (CC, lsb_cc, value & 0x7F)]
    return both[::-1] if lsb_first else both


def mixed(data: st.DataObject, messages: list[tuple]) -> list[tuple]:
    """With other messages between them."""
    return [
        each for message in messages for each in (*data.draw(st.lists(NOISE, max_size=2)), message)
    ]


@given(st.lists(FOURTEEN, min_size=1, max_size=8), st.booleans(), st.data())
def test_two_halves_are_one_value_in_either_order_among_other_messages(
    sent: list[int], lsb_first: bool, data: st.DataObject
) -> None:
    messages = [half for value in sent for half in halves(value, lsb_first)]
    assert values(decoded(mixed(data, messages)), FINE) == sent


@given(st.lists(FOURTEEN, min_size=2, max_size=8), st.booleans(), st.integers(0, 15))
def test_the_last_value_is_right_whatever_was_lost_before(
    sent: list[int], lsb_first: bool, lost: int
) -> None:
    messages = [half for value in sent for half in halves(value, lsb_first)]
    del messages[min(lost, len(messages) - 3)]  # any but those of the last value
    assert values(decoded(messages), FINE)[-1] == sent[-1]


@given(SEVEN, st.lists(SEVEN, min_size=1, max_size=5))
def test_a_lower_half_alone_is_a_small_move(msb: int, lower: list[int]) -> None:
    messages = [(CC, 20, msb), (CC, 52, 0), *((CC, 52, lsb) for lsb in lower)]
    expected = [msb << 7, *(msb << 7 | lsb for lsb in lower)]
    assert values(decoded(messages, apart_s=2 * HALF_S), FINE)[-len(expected) :] == expected


@given(st.lists(SEVEN, min_size=1, max_size=5))
def test_an_upper_half_that_never_has_a_lower_one_reaches_both_ends(upper: list[int]) -> None:
    moved = values(decoded([(CC, 20, msb) for msb in upper]), FINE)
    assert [value >> 7 for value in moved] == upper
    assert {0: 0, 127: 2**14 - 1}.get(upper[-1], moved[-1]) == moved[-1]


@given(st.permutations([(CC, 20, 1), (CC, 52, 2), (CC, 21, 3), (CC, 53, 4)]))
def test_controls_wait_each_for_their_own_half(messages: list[tuple]) -> None:
    moves = decoded(messages)
    assert values(moves, FINE) == [1 << 7 | 2]
    assert values(moves, Control("cc14", 1, 21)) == [3 << 7 | 4]


def select(number: int, msb_first: bool = True) -> list[tuple]:
    both = [(CC, 99, number >> 7), (CC, 98, number & 0x7F)]
    return both if msb_first else both[::-1]


@given(
    st.lists(st.tuples(st.integers(0, 2**14 - 2), FOURTEEN), min_size=1, max_size=6),
    st.booleans(),
    st.booleans(),
    st.data(),
)
def test_a_parameter_by_number_has_its_own_value(
    sent: list[tuple[int, int]], msb_first: bool, lsb_first: bool, data: st.DataObject
) -> None:
    messages = []
    for number, value in sent:
        messages += [*select(number, msb_first), *halves(value, lsb_first, 6, 38)]
    moves = [move for move in decoded(mixed(data, messages)) if move.control.kind == "nrpn"]
    assert [(move.control.number, move.value) for move in moves] == sent


def test_data_without_a_number_or_of_a_registered_one_are_no_parameter() -> None:
    null = [(CC, 99, 127), (CC, 98, 127)]
    data = halves(300, False, 6, 38)
    for before in ([], null, [(CC, 99, 1)], [*select(5), (CC, 101, 0)]):
        moves = decoded([*before, *data])
        assert [move for move in moves if move.control.kind == "nrpn"] == []


def test_a_coarse_value_stands_before_the_next_parameter_is_chosen() -> None:
    moves = decoded([*select(5), (CC, 6, 100), *select(6), (CC, 6, 1)])
    assert values(moves, Control("nrpn", 1, 5)) == [100 << 7 | 100]
    assert values(moves, Control("nrpn", 1, 6)) == [1 << 7 | 1]


def test_a_half_waits_no_longer_than_it_must() -> None:
    decoder = Decoder()
    assert values(decoder.moves((CC, 20, 64), 5.0), FINE) == []
    assert list(decoder.settled(5.0 + HALF_S / 2)) == []
    assert list(decoder.settled(5.0 + 1.5 * HALF_S)) == [Move(FINE, 64 << 7 | 64)]
    assert list(decoder.settled(6.0)) == []


@given(st.lists(st.lists(st.integers(-1, 300), max_size=4), max_size=30))
def test_no_message_breaks_it_or_is_out_of_range(messages: list[list[int]]) -> None:
    for move in decoded(messages):
        assert 0 <= move.value < 2**14 and 1 <= move.control.channel <= 16
