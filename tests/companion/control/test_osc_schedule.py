"""Bundles that are dated ahead are waited for, within bounds."""

from __future__ import annotations

import struct

from hypothesis import given
from hypothesis import strategies as st
from pythonosc.osc_message_builder import build_msg

from companion.control.osc import OscKnobs
from companion.control.osc_packet import SINCE_1900_S, Dated, read_dated
from companion.control.osc_schedule import MOST_AHEAD_S, MOST_WAITING, Schedule
from companion.control.store import ParameterStore

TODAY_S = 1_800_000_000.0


class Time:
    """A clock and a calendar that are moved by hand."""

    def __init__(self) -> None:
        self.now_s, self.today_s = 100.0, TODAY_S
        self.schedule = Schedule(lambda: self.now_s, lambda: self.today_s)

    def pass_by(self, seconds: float) -> None:
        self.now_s += seconds
        self.today_s += seconds


def dated(ahead_s: float, *values: float, inner: bytes = b"") -> bytes:
    """A bundle of levels, dated so far ahead."""
    tag = round((TODAY_S + ahead_s + SINCE_1900_S) * (1 << 32))
    elements = [build_msg("/companion/bass/level", [value]).dgram for value in values]
    elements += [inner] if inner else []
    body = b"".join(struct.pack(">i", len(each)) + each for each in elements)
    return b"#bundle\0" + struct.pack(">Q", tag) + body


class World(Time):
    def __init__(self) -> None:
        super().__init__()
        self.store = ParameterStore({}, {"bass": {}})
        self.knobs = OscKnobs(self.store, schedule=self.schedule)

    def levels(self) -> list[object]:
        self.knobs.receive_due()
        return [change.new for change in self.store.drain()]


def test_a_bundle_counts_when_its_time_has_come() -> None:
    world = World()
    world.knobs.receive_packet(dated(0.5, -1.0, -2.0))
    assert world.levels() == []
    assert 0.49 < world.schedule.wait_s(10.0) <= 0.5
    world.pass_by(0.499)
    assert world.levels() == []
    world.pass_by(0.002)
    assert world.levels() == [-1.0, -2.0]
    assert len(world.schedule) == 0 and world.schedule.wait_s(0.02) == 0.02


def test_one_that_is_late_counts_at_once() -> None:
    world = World()
    world.knobs.receive_packet(dated(-3.0, -1.0))
    assert world.levels() == [-1.0]


def test_one_that_is_dated_by_another_clock_counts_at_once() -> None:
    world = World()
    world.knobs.receive_packet(dated(MOST_AHEAD_S + 1, -1.0))
    assert world.levels() == [-1.0]


def test_they_count_in_the_order_of_their_times() -> None:
    world = World()
    world.knobs.receive_packet(dated(0.3, -3.0))
    world.knobs.receive_packet(dated(0.1, -1.0))
    world.knobs.receive_packet(dated(0.3, -4.0))
    world.pass_by(1.0)
    assert world.levels() == [-1.0, -3.0, -4.0]


def test_of_bundles_in_each_other_the_later_time_counts() -> None:
    world = World()
    world.knobs.receive_packet(dated(0.2, -1.0, inner=dated(0.6, -2.0)))
    world.knobs.receive_packet(dated(0.8, inner=dated(0.1, -3.0)))
    told = []
    for _ in range(3):
        world.pass_by(0.3)
        told.append(world.levels())
    assert told == [[-1.0], [-2.0], [-3.0]]


def test_a_calendar_that_is_put_right_moves_nothing_that_waits() -> None:
    world = World()
    world.knobs.receive_packet(dated(0.5, -1.0))
    world.today_s += 3600.0
    assert world.levels() == []
    world.pass_by(0.6)
    assert world.levels() == [-1.0]


@given(st.lists(st.floats(-10, 10), max_size=30))
def test_nothing_is_lost_and_nothing_is_early(aheads: list[float]) -> None:
    time = Time()
    at_once = time.schedule.put(
        [Dated(TODAY_S + ahead, str(number), ()) for number, ahead in enumerate(aheads)], None
    )
    found = {each.message.address for each in at_once}
    while len(time.schedule):
        time.pass_by(0.1)
        for each in time.schedule.due():
            assert each.message.at_s is not None and each.message.at_s <= time.today_s + 1e-5
            found.add(each.message.address)
    assert found == {str(number) for number in range(len(aheads))}


def test_however_many_are_dated_ahead_a_bounded_number_waits_and_none_is_lost() -> None:
    time = Time()
    many = [Dated(TODAY_S + 1.0, str(number), ()) for number in range(MOST_WAITING + 50)]
    assert len(time.schedule.put(many, None)) == 50
    assert len(time.schedule) == MOST_WAITING


def test_the_time_tag_that_says_at_once_is_no_time() -> None:
    message = build_msg("/a", []).dgram
    now = b"#bundle\0" + struct.pack(">Q", 1) + struct.pack(">i", len(message)) + message
    assert [each.at_s for each in read_dated(now)] == [None]
    (each,) = read_dated(dated(0.25, -1.0))
    assert each.at_s is not None and abs(each.at_s - TODAY_S - 0.25) < 1e-5
