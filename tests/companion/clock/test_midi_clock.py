"""MIDI clock in: exact in spite of jitter, quick after a step, and always on the right bar."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from companion.clock.midi_clock import (
    CONTINUE,
    SONG_POSITION,
    START,
    STOP,
    TICK,
    Arrivals,
    MidiClock,
)
from companion.clock.reading import Reading
from tests.companion.clock.master import (
    BAR_TICKS,
    JACK_PERIOD_S,
    RATE,
    START_S,
    UNSHRUNK,
    Times,
    constant,
    exact_host_time,
    jittered,
    ramp,
    tick_times,
)

seeds = st.integers(0, 10**6)
periods = st.sampled_from([0.0, JACK_PERIOD_S])


class Player:
    """A clock, and a hand that moves its time."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self.clock = MidiClock(clock=lambda: self.now_s)
        self.host_time = exact_host_time()

    def send(self, *message: int, at_s: float | None = None) -> None:
        self.now_s = self.now_s if at_s is None else at_s
        self.clock.receive(message, self.now_s)

    def ticks(self, times: Iterable[float]) -> None:
        for time_s in times:
            self.send(TICK, at_s=time_s)

    def read(self, at_s: float | None = None) -> Reading | None:
        self.now_s = self.now_s if at_s is None else at_s
        return self.clock.read(round(self.now_s * RATE), self.host_time)

    def reading(self, at_s: float | None = None) -> Reading:
        reading = self.read(at_s)
        assert reading is not None
        return reading


def errors_s(due: Times, arrive: Times, ticks: Sequence[int]) -> NDArray[np.float64]:
    """How late the clock thinks it is, at some of the ticks."""
    player, errors = Player(), []
    player.send(START, at_s=due[0] - 0.1)
    for tick, time_s in enumerate(arrive):
        player.ticks([time_s])
        if tick in ticks:
            reading = player.reading(max(time_s, due[tick]))
            beat = tick / 24 + (player.now_s - due[tick]) * reading.bpm / 60
            errors.append((beat - reading.beat) * 60 / reading.bpm)
    return np.abs(errors)


@given(seeds, st.sampled_from([90.0, 120.0, 133.3, 174.0]), periods)
@settings(max_examples=12, phases=UNSHRUNK)
def test_bars_are_known_to_a_millisecond_through_jitter_of_two(
    seed: int, bpm: float, period_s: float
) -> None:
    due = tick_times(constant(bpm, 24))
    bars = range(4 * BAR_TICKS, len(due), BAR_TICKS // 4)
    errors = errors_s(due, jittered(due, seed, period_s=period_s), bars)
    assert np.percentile(errors, 90) <= 1e-3
    assert errors.max() < 4e-3


@given(seeds, st.floats(40, 240), st.sampled_from([64, 128, 256, 512, 1024, 2048]))
@example(seed=0, bpm=120.0, block=256)
@example(seed=0, bpm=119.0, block=512)
@example(seed=0, bpm=75.0, block=1024)
@settings(max_examples=20, phases=UNSHRUNK)
def test_ticks_that_are_sent_at_the_starts_of_blocks_tell_one_tempo(
    seed: int, bpm: float, block: int
) -> None:
    block_s, tick_s = block / RATE, 60 / bpm / 24
    leap = tick_s / block_s % 1
    # Two ticks in one block are taken for one that was doubled; and where a block fits the ticks
    # all but exactly it leaps too seldom to be known from a stall.
    assume(block_s < 0.6 * tick_s and min(leap, 1 - leap) > 0.02)
    due = tick_times(constant(bpm, 12))
    dice = np.random.default_rng(seed)
    starts_s = np.ceil(due / block_s + dice.uniform()) * block_s
    sent = starts_s + dice.normal(0, 3e-4, len(due))
    player, read = Player(), []
    player.send(START, at_s=due[0] - 0.1)
    for tick, time_s in enumerate(np.maximum.accumulate(sent)):
        player.ticks([time_s])
        if tick > 6 * BAR_TICKS:
            read.append(player.reading(time_s).bpm)
    off = np.abs(np.array(read) / bpm - 1)
    assert np.percentile(off, 99) < 0.01
    assert off.max() < 0.02


@given(seeds, periods, st.sampled_from([(120.0, 126.0), (126.0, 120.0), (100.0, 92.0)]))
@settings(max_examples=12, phases=UNSHRUNK)
def test_two_beats_after_a_step_of_tempo_bars_are_known_to_five(
    seed: int, period_s: float, bpm: tuple[float, float]
) -> None:
    due = tick_times(constant(bpm[0], 8), constant(bpm[1], 4))
    after = range(8 * BAR_TICKS + BAR_TICKS // 2, len(due), 12)
    errors = errors_s(due, jittered(due, seed, period_s=period_s), after)
    assert errors.max() <= 5e-3


@given(seeds, periods, st.booleans())
@settings(max_examples=8, phases=UNSHRUNK)
def test_a_ramp_is_followed_without_lag(seed: int, period_s: float, up: bool) -> None:
    ends = (120.0, 140.0) if up else (140.0, 120.0)
    due = tick_times(constant(ends[0], 8), ramp(*ends, 8))
    arrive = jittered(due, seed, period_s=period_s)
    errors = errors_s(due, arrive, range(9 * BAR_TICKS, len(due), 12))
    assert errors.mean() < 3e-3
    assert errors.max() < 8e-3


@given(st.integers(0, 2**14 - 1), st.sampled_from([90.0, 120.0, 200.0]))
@settings(max_examples=30)
def test_a_song_position_lands_on_its_bar(position: int, bpm: float) -> None:
    due = tick_times(constant(bpm, 2))
    player = Player()
    player.ticks(due)  # the master sends ticks while it is stopped
    assert player.reading().lock == "tempo"
    player.send(SONG_POSITION, position & 0x7F, position >> 7)
    assert player.reading().lock == "tempo"
    player.send(CONTINUE)
    go_on = due[-1] - due[0] + 60 / bpm / 24
    player.ticks(due + go_on)
    reading = player.reading()
    assert reading.lock == "bar" and reading.running
    assert reading.beat == pytest.approx(position / 4 + 8, abs=1e-3)


def test_a_start_is_beat_0_and_a_continue_goes_on_where_the_stop_was() -> None:
    player = Player()
    player.send(START, at_s=START_S)
    due = tick_times(constant(120, 1))
    player.ticks(due[:-1])
    assert player.reading(due[-1]).beat == pytest.approx(4.0, abs=1e-3)
    player.send(STOP)
    assert not player.reading().running
    player.ticks(due + 2)
    assert player.reading().lock == "tempo" and not player.reading().running
    player.send(CONTINUE)
    player.ticks(due + 4 + 60 / 120 / 24)
    assert player.reading().beat == pytest.approx(8.0, abs=1e-3)
    player.send(STOP)
    player.send(START)
    player.ticks(due + 8)
    assert player.reading().beat == pytest.approx(4.0, abs=1e-3)


def test_a_master_that_was_joined_while_it_played_tells_its_tempo_only() -> None:
    player = Player()
    player.ticks(tick_times(constant(97, 2)))
    reading = player.reading()
    assert (reading.lock, reading.running) == ("tempo", True)
    assert reading.bpm == pytest.approx(97, abs=0.01)


@given(seeds, st.dictionaries(st.integers(8, 30), st.sampled_from([-3, -2, -1, 1]), max_size=12))
@settings(max_examples=15, phases=UNSHRUNK)
def test_lost_and_doubled_ticks_leave_the_bar_where_it_is(seed: int, odd: dict[int, int]) -> None:
    due = tick_times(constant(110, 8))
    arrive = jittered(due, seed, sigma_s=5e-4)
    player = Player()
    player.send(START, at_s=due[0] - 0.01)
    lost = {24 * at + n for at, count in odd.items() for n in range(-count)}
    for tick, time_s in enumerate(arrive):
        player.ticks([] if tick in lost else [time_s])
        if odd.get(tick / 24) == 1:
            player.ticks([time_s + 1e-3])
    assert player.reading(due[-1]).beat == pytest.approx(32.0, abs=2e-3)


@given(st.floats(0.6, 3.5))
@settings(max_examples=20)
def test_a_stalled_master_keeps_its_tempo_and_loses_trust(silence_s: float) -> None:
    due = tick_times(constant(120, 4))
    player = Player()
    player.send(START, at_s=due[0] - 0.01)
    player.ticks(due)
    sure = player.reading(due[-1] + 0.4)
    assert sure.confidence == 1.0
    stalled = player.reading(due[-1] + silence_s)
    assert stalled.confidence < 1.0
    assert stalled.bpm == pytest.approx(120)
    assert stalled.beat == pytest.approx(16 + 2 * silence_s, abs=1e-3)
    assert player.read(due[-1] + 5) is None
    # A cable that was out for a while: the master has gone on.
    again = due[-1] + np.ceil(silence_s / (60 / 120 / 24)) * 60 / 120 / 24
    player.ticks(again + tick_times(constant(120, 1), start_s=0.0))
    missed = (again - due[-1]) * 2
    assert player.reading().beat == pytest.approx(16 + missed + 4, abs=1e-3)
    assert player.reading().confidence == 1.0


@pytest.mark.parametrize("bpm", [(200.0, 90.0), (60.0, 180.0), (120.0, 180.0), (180.0, 120.0)])
def test_a_wholly_other_tempo_is_not_taken_for_lost_ticks(bpm: tuple[float, float]) -> None:
    due = tick_times(constant(bpm[0], 4), constant(bpm[1], 4))
    player = Player()
    player.send(START, at_s=due[0] - 0.01)
    player.ticks(due)
    assert player.reading().bpm == pytest.approx(bpm[1], rel=1e-3)
    assert player.reading().beat == pytest.approx(32.0, abs=1e-2)


@given(st.lists(st.tuples(st.lists(st.integers(0, 255), max_size=3), st.floats(0, 2)), max_size=60))
def test_no_messages_break_it(messages: list[tuple[list[int], float]]) -> None:
    player = Player()
    for message, later_s in messages:
        player.send(*message, at_s=player.now_s + later_s)
    reading = player.read()
    assert reading is None or np.isfinite([reading.beat, reading.bpm]).all()


@given(seeds, st.floats(0, 1e5))
def test_arrivals_are_those_of_the_system_whenever_the_queue_is_looked_at(
    seed: int, start_s: float
) -> None:
    dice = np.random.default_rng(seed)
    came = start_s + np.cumsum(dice.uniform(0, 0.03, 200))
    arrivals, off = Arrivals(), []
    look_s = start_s
    queue = list(came)
    last_s = came[0]
    while queue:
        look_s += dice.uniform(0.001, 0.02)
        while queue and queue[0] <= look_s:
            time_s = queue.pop(0)
            off.append(arrivals.at(time_s - last_s, look_s) - time_s)
            last_s = time_s
    assert min(off) > -1e-6
    assert max(off[50:]) < 3e-3
