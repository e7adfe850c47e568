from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from companion.audio.aligned_input import Look
from companion.clock.transport import Transport
from companion.control.store import ParameterStore
from companion.session.ear import Ear
from companion.system.errors import CompanionError
from tests.companion.listen.notes import RATE, song

EIGHT = ["C", "Am", "F", "G", "Eb", "Bb", "Dm", "E"]
BAR = 2 * RATE
TICK = RATE // 100


class Room:
    """A stream that plays a signal, an ear that listens, and the knobs."""

    def __init__(self, signal: np.ndarray, rig: dict | None = None, origin: int = 0) -> None:
        self.signal, self.position, self.oldest = signal, 0, 0
        self.store = ParameterStore(rig or {}, {"bass": {}})
        self.ear = Ear(
            lambda: Look(self, self.position), Transport(RATE, Fraction(120), origin), self.store
        )

    def capture(self, start: int, n: int) -> np.ndarray:
        assert start + n <= self.position
        if start < self.oldest:
            raise CompanionError("not kept")
        return self.signal[start : start + n]

    def play(self, bars: float, tick: int = TICK) -> list[int]:
        """The knob `cycle` after each whole bar from here on."""
        cycles, end = [], round(bars * BAR)
        while self.position < end:
            self.position = min(end, self.position + tick)
            self.ear.tick(self.position)
            for change in self.store.drain():
                self.ear.turned(change)
            if self.position % BAR == 0:
                cycles.append(int(self.store.snapshot()["cycle"]))
        return cycles

    def turn(self, name: str, value: object) -> None:
        self.store.set(name, value, None, "osc")

    @property
    def finding(self) -> bool:
        return bool(self.store.snapshot()["find_cycle"])


def test_the_knob_follows_the_music_at_a_bar_line() -> None:
    room = Room(song(EIGHT * 3))
    cycles = room.play(24)
    assert cycles[0] == 4
    changed = cycles.index(8)
    assert changed < 16
    assert cycles[changed:] == [8] * (24 - changed)


def test_who_moved_the_knob_is_told() -> None:
    room = Room(song(EIGHT * 2))
    told = []
    for bar in range(16):
        room.position = (bar + 1) * BAR
        room.ear.tick(room.position)
        told += room.store.drain()
    assert [(c.name, c.new, c.source) for c in told] == [("cycle", 8, "found")]


def test_a_cycle_set_by_hand_is_kept() -> None:
    room = Room(song(EIGHT * 3))
    room.play(2)
    room.turn("cycle", 3)
    assert set(room.play(24)[1:]) == {3}
    assert not room.finding


def test_finding_goes_on_from_the_cycle_set_by_hand_when_it_is_turned_on() -> None:
    room = Room(song(EIGHT * 3), {"find_cycle": False})
    room.turn("cycle", 3)
    room.turn("find_cycle", True)  # in the same tick, after it
    room.play(1)
    assert room.finding
    assert room.store.snapshot()["cycle"] == 3
    assert room.play(24)[-1] == 8


def test_with_finding_off_the_knob_stays_and_what_was_heard_is_remembered() -> None:
    room = Room(song(EIGHT * 3), {"find_cycle": False})
    assert set(room.play(16)) == {4}
    room.turn("find_cycle", True)
    assert room.play(20)[-1] == 8


def test_a_broken_cycle_is_noticed_within_the_bar_and_holds_again_later() -> None:
    room = Room(song([*EIGHT[:4] * 2, "F#", "B", "E", "Ab", "F#", "B", "E", "Ab"]))
    room.play(8)
    assert room.ear.holds
    room.play(8.3)
    assert room.ear.holds
    room.play(9)
    assert not room.ear.holds
    room.play(13)
    assert room.ear.holds


@pytest.mark.parametrize("tick", [TICK, BAR // 3, 5 * BAR])
def test_the_size_of_a_tick_does_not_matter(tick: int) -> None:
    room = Room(song(EIGHT * 3))
    room.play(24, tick)
    room.play(24 + 1e-3)
    for _ in range(12):
        room.ear.tick(room.position)
    assert room.store.snapshot()["cycle"] == 8


def test_what_the_ring_has_forgotten_is_silence() -> None:
    room = Room(song(EIGHT * 3))
    room.oldest = 4 * BAR
    room.play(24, 6 * BAR)
    assert room.store.snapshot()["cycle"] == 4


def test_the_count_in_is_not_listened_to() -> None:
    room = Room(np.concatenate([song(["C"]), song(EIGHT * 3, seed=1)]), origin=BAR)
    room.play(1)
    assert room.ear.confidence is None
    assert room.play(25)[-1] == 8


@pytest.mark.parametrize(("knob", "since"), [("keep", 0), ("forget", 8), ("by key", 8)])
def test_bars_before_the_break_are_forgotten_if_the_performer_wants_so(
    knob: str, since: int
) -> None:
    chords = [*EIGHT[:4] * 2, "F#", "B", "E", "Ab", "F#", "B", "E", "Ab"]
    room = Room(song(chords), {"broken_cycle": knob})
    room.play(8.3)
    assert room.ear.stand_in_from == 0
    for bars in (9, 10.3, 12):
        room.play(bars)
        assert room.ear.stand_in_from == since
    room.play(13)
    assert room.ear.stand_in_from == 0


def test_a_change_of_chords_within_the_key_forgets_nothing_by_default() -> None:
    room = Room(song([*EIGHT[:4] * 2, "Dm", "C", "Am", "C"]))
    room.play(9)
    assert not room.ear.holds
    for bars in (9, 10, 11, 12):
        room.play(bars)
        assert room.ear.stand_in_from == 0
