"""What is heard at another tempo is heard at the grid's."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.clock.transport import Transport
from companion.listen.retimed_input import RetimedInput
from companion.listen.window import context_window
from companion.system.errors import CompanionError

RATE = 48000


class Tape:
    """Input that was played on a transport: a hit on every beat, bar lines louder."""

    def __init__(self, transport: Transport, position: int, oldest: int = 0) -> None:
        rng = np.random.default_rng(2)
        self.position, self.oldest = position, oldest
        self.sound = np.zeros(position + RATE, np.float32)
        burst = rng.normal(0, 0.3, 2000) * np.exp(-np.arange(2000) / 300)
        beat = 0
        while (at := transport.beat_start_samples(beat)) < position:
            self.sound[at : at + 2000] += burst.astype(np.float32)
            beat += 1

    def capture(self, start: int, n: int) -> np.ndarray:
        if not self.oldest <= start <= start + n <= self.position:
            raise CompanionError(f"samples {start} to {start + n} are not kept")
        return self.sound[start : start + n].copy()


@given(
    st.sampled_from([44100, 48000]),
    st.fractions(40, 240, max_denominator=100),
    st.integers(0, 10**5),
    st.integers(0, 4 * 10**5),
    st.integers(0, 10**5),
)
@settings(max_examples=30, deadline=None)
def test_at_the_grids_own_tempo_it_is_the_input_itself(
    rate: int, bpm: Fraction, origin: int, start: int, n: int
) -> None:
    transport = Transport(rate, bpm, origin)
    tape = Tape(transport, 600_000)
    nominal = RetimedInput(tape, transport, transport.grid())
    assert nominal.position == tape.position
    np.testing.assert_array_equal(nominal.capture(start, n), tape.capture(start, n))


@settings(max_examples=20, deadline=None)
@given(
    st.floats(0.93, 1.07),
    st.lists(st.floats(112, 128), max_size=4),
    st.fractions(3, 7, max_denominator=64),
)
def test_beats_lie_on_the_grid_whatever_the_tempo_was(
    change: float, turns: list[float], heard_bars: Fraction
) -> None:
    transport = Transport(RATE, Fraction(120 * change), 10_000)
    for n, bpm in enumerate(turns):
        transport.steer(60_000 + 70_000 * n, bpm)
    grid = Grid(RATE, Fraction(120), 10_000)
    beats = int(heard_bars * 4)
    tape = Tape(transport, transport.beat_start_samples(beats) + 3000)
    nominal = RetimedInput(tape, transport, grid)
    assert abs(nominal.position - grid.beat_start_samples(beats) - 3000) < 400
    start = grid.bar_start_samples(0)
    sound = nominal.capture(start, nominal.position - start)
    for beat in range(1, beats):
        at = grid.beat_start_samples(beat) - start
        loud = np.abs(sound[at - 2400 : at + 2400]) > 0.1
        # A beat in which the tempo was turned is moved as a whole.
        assert abs(int(np.argmax(loud)) - 2400) < 0.008 * RATE


def test_a_window_is_the_same_as_if_it_had_been_played_at_the_grids_tempo() -> None:
    grid = Grid(RATE, Fraction(120), 0)
    fast, exact = Transport(RATE, Fraction(126), 0), Transport(RATE, Fraction(120), 0)
    windows = []
    for transport in (fast, exact):
        tape = Tape(transport, transport.bar_start_samples(6))
        nominal = RetimedInput(tape, transport, grid)
        windows.append(context_window(nominal, grid, 300, 500, 4))
    ours, truth = windows
    assert ours.known.all() and truth.known.all()
    level = [np.sqrt((w.audio.reshape(-1, 320) ** 2).mean(1)) for w in windows]
    assert np.corrcoef(*level)[0, 1] > 0.9


def test_what_the_ring_has_forgotten_is_an_error() -> None:
    transport = Transport(RATE, Fraction(126), 0)
    tape = Tape(transport, 600_000, oldest=300_000)
    nominal = RetimedInput(tape, transport, Grid(RATE, Fraction(120), 0))
    with pytest.raises(CompanionError):
        nominal.capture(0, 1000)
    assert nominal.capture(400_000, 1000).shape == (1000,)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 20_000), st.lists(st.integers(0, 40_000), min_size=1, max_size=4))
def test_what_is_heard_does_not_depend_on_what_was_asked_for_before(
    behind: int, steps: list[int]
) -> None:
    transport = Transport(RATE, Fraction(126), 0)
    grid = Grid(RATE, Fraction(120), 0)
    tape = Tape(transport, 800_000)
    tape.position = transport.bar_start_samples(3) + behind  # a bar is over, perhaps just so
    earlier = RetimedInput(tape, transport, grid)
    for step in steps:
        earlier.capture(0, earlier.position)
        tape.position += step
    anew = RetimedInput(tape, transport, grid)
    np.testing.assert_array_equal(earlier.capture(0, anew.position), anew.capture(0, anew.position))
