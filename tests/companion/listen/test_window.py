from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from companion.clock.grid import Grid
from companion.listen.window import JOIN_S, ContextWindow, context_window
from companion.system.errors import CompanionError

FILTER_S = 0.003  # how far the resampler smears a join

Sound = Callable[[np.ndarray], np.ndarray]
"""Seconds from bar 0 (float64) -> samples."""


@dataclass
class Tape:
    """A stream that has heard `sound` up to `position`, and forgets."""

    transport: Grid
    sound: Sound
    position: int
    oldest: int = 0

    def capture(self, start: int, n: int) -> np.ndarray:
        if not self.oldest <= start <= start + n <= self.position:
            raise CompanionError(f"samples {start} to {start + n} are not kept")
        samples = np.arange(start, start + n) - self.transport.origin_samples
        return self.sound(samples / self.transport.rate).astype(np.float32)


def chord(time_s: np.ndarray) -> np.ndarray:
    """Never repeats: the frequencies have no common period."""
    tones = (61.3, 197.7, 1234.5, 5432.1, 9876.5)
    return 0.15 * sum(np.sin(2 * np.pi * hz * time_s + hz) for hz in tones)


transports = st.builds(
    Grid,
    rate=st.sampled_from((44100, 48000, 96000)),
    bpm=st.fractions(40, 240, max_denominator=100),
    origin_samples=st.integers(0, 10**6),
)


def at_bar(transport: Grid, bars: Fraction) -> int:
    return max(0, round(transport.origin_samples + bars * transport.bar_samples))


def expected(
    transport: Grid, window: ContextWindow, cycle: int, sound: Sound
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """What a window must hold, found the slow way: audio, known, and what is clear of joins."""
    rate, heard = transport.rate, window.horizon_samples
    frames = np.arange(window.frames * 640) / 32000 + window.first_frame / 50  # s from bar 0
    audio, known = np.zeros(len(frames)), np.zeros(len(frames), bool)
    clear = np.ones(len(frames), bool)
    heard_s = (heard - transport.origin_samples) / rate

    def join(at_s: float) -> None:
        clear[(frames > at_s - JOIN_S - FILTER_S) & (frames < at_s + FILTER_S)] = False

    first_bar = int(window.first_frame // transport.bar_frames) - 1
    last_bar = int((window.first_frame + window.frames) // transport.bar_frames) + 1
    for bar in range(first_bar, last_bar + 1):
        start = (transport.bar_start_samples(bar) - transport.origin_samples) / rate
        end = (transport.bar_start_samples(bar + 1) - transport.origin_samples) / rate
        here = (frames >= start) & (frames < end)
        join(start)
        if bar < 0 or not here.any():
            continue
        real = here & (frames < heard_s)
        audio[real], known[real] = sound(frames[real]), True
        rest = here & (frames >= heard_s)
        source = bar - cycle
        while source >= 0 and transport.bar_start_samples(source + 1) > heard:
            source -= cycle
        if source >= 0:
            shift = transport.bar_start_samples(bar) - transport.bar_start_samples(source)
            audio[rest], known[rest] = sound(frames[rest] - shift / rate), True
    join(heard_s)
    return audio, known, clear


@settings(max_examples=40, deadline=None)
@given(
    transports,
    st.integers(1, 8),
    st.fractions(0, 12, max_denominator=1000),
    st.integers(-3, 10),
    st.integers(1, 300),
)
def test_heard_bars_are_real_and_the_others_are_the_same_bars_of_an_earlier_cycle(
    transport: Grid, cycle: int, heard_bars: Fraction, first_bar: int, frames: int
) -> None:
    tape = Tape(transport, chord, at_bar(transport, heard_bars))
    first_frame = int(transport.bar_start_frames(first_bar) // 1)
    window = context_window(tape, transport, first_frame, frames, cycle)
    audio, known, clear = expected(transport, window, cycle, chord)
    assert window.audio.dtype == np.float32 and len(window.audio) == frames * 640
    np.testing.assert_allclose(window.audio[clear], audio[clear], atol=2e-3)
    share = known.reshape(frames, 640).mean(axis=1)
    doubtful = np.abs(share - 0.5) < 0.01  # a bar line is rounded to a sample
    np.testing.assert_array_equal(window.known[~doubtful], share[~doubtful] >= 0.5)


@settings(max_examples=30, deadline=None)
@given(transports, st.integers(1, 6), st.fractions(0, 6, max_denominator=1000), st.integers(0, 4))
def test_with_music_that_repeats_the_window_holds_the_true_future(
    transport: Grid, cycle: int, more_bars: Fraction, ahead: int
) -> None:
    period_s = float(cycle * transport.bar_samples / transport.rate)

    def loop(time_s: np.ndarray) -> np.ndarray:
        return 0.2 * sum(np.sin(2 * np.pi * n * time_s / period_s + n) for n in (1, 7, 40, 400))

    transport = replace(transport, origin_samples=transport.rate)  # played before bar 0 as well
    tape = Tape(transport, loop, at_bar(transport, cycle + more_bars))
    now_bar = transport.bar_at(tape.position)
    first_frame = int(transport.bar_start_frames(now_bar + ahead) // 1)
    window = context_window(tape, transport, first_frame, 400, cycle)
    assert window.known.all()
    time_s = np.arange(400 * 640) / 32000 + first_frame / 50
    fastest = 2 * np.pi * 400 / period_s * 0.2  # a bar line is rounded, by up to a sample
    np.testing.assert_allclose(window.audio, loop(time_s), atol=2e-3 + 1.5 * fastest / 44100)


def test_with_bars_of_whole_samples_the_future_is_true_to_the_sample() -> None:
    transport = Grid(48000, Fraction(120), 12345)
    noise = np.random.default_rng(1).normal(0, 0.2, 4 * 96000)

    def loop(time_s: np.ndarray) -> np.ndarray:
        return noise[np.rint(time_s * 48000).astype(int) % len(noise)]

    late = Tape(transport, loop, at_bar(transport, Fraction(16)))
    early = Tape(transport, loop, at_bar(transport, Fraction(9, 2)))
    for first_frame in (100, 150, 399, 600):
        truth = context_window(late, transport, first_frame, 200, 4)
        guess = context_window(early, transport, first_frame, 200, 4)
        np.testing.assert_allclose(guess.audio, truth.audio, atol=1e-6)
        assert guess.known.all()


def test_the_edge_of_a_window_is_as_exact_as_its_middle() -> None:
    transport = Grid(44100, Fraction(97), 50000)
    tape = Tape(transport, chord, at_bar(transport, Fraction(8)))
    long = context_window(tape, transport, 100, 200, 4)
    for first, frames in ((100, 1), (101, 7), (250, 50)):
        short = context_window(tape, transport, first, frames, 4)
        inside = slice((first - 100) * 640, (first - 100 + frames) * 640)
        np.testing.assert_allclose(short.audio, long.audio[inside], atol=1e-4)


def test_before_bar_0_nothing_is_known_whatever_was_played() -> None:
    transport = Grid(48000, Fraction(120), 96000)
    tape = Tape(transport, chord, 3 * 96000)
    window = context_window(tape, transport, -50, 100, 4)
    assert not window.known[:50].any() and window.known[50:].all()
    assert not window.audio[: 49 * 640].any()


def test_a_join_has_no_click() -> None:
    """The stand-in goes on at another level; the step is spread over the join."""
    transport = Grid(48000, Fraction(120), 96000)

    def steps(time_s: np.ndarray) -> np.ndarray:
        return np.where(time_s < 2.0, -0.5, 0.5)

    tape = Tape(transport, steps, at_bar(transport, Fraction(5, 2)))
    window = context_window(tape, transport, 200, 100, 2)
    middle = window.audio[40 * 640 : 60 * 640]
    assert middle.max() > 0.49 and middle.min() < -0.49
    assert np.abs(np.diff(middle)).max() < 0.02


def test_what_starts_on_a_bar_line_stays_sharp_in_a_stand_in() -> None:
    transport = Grid(48000, Fraction(120), 96000)

    def hit(time_s: np.ndarray) -> np.ndarray:
        since = np.mod(np.rint(time_s * 48000), 96000)
        return np.where(since == 0, 0.9, 0.0)

    tape = Tape(transport, hit, at_bar(transport, Fraction(4)))
    window = context_window(tape, transport, 395, 10, 4)
    real = context_window(tape, transport, 195, 10, 4)
    np.testing.assert_allclose(window.audio, real.audio, atol=1e-6)
    assert np.argmax(window.audio) == 5 * 640


def test_bars_that_the_ring_has_forgotten_are_unknown() -> None:
    transport = Grid(48000, Fraction(120), 0)
    tape = Tape(transport, chord, 12 * 96000, oldest=5 * 96000)
    window = context_window(tape, transport, 1200, 400, 8)  # bars 12..15 <- bars 4..7
    assert not window.known[:100].any() and window.known[100:].all()
    assert np.abs(window.audio[: 99 * 640]).max() < 1e-4


def test_nothing_heard_is_a_window_of_unknown_silence() -> None:
    transport = Grid(48000, Fraction(120), 96000)
    window = context_window(Tape(transport, chord, 0), transport, 0, 10, 4)
    assert not window.known.any() and not window.audio.any()


@pytest.mark.parametrize(("frames", "cycle"), [(0, 4), (10, 0)])
def test_an_empty_window_or_cycle_is_refused(frames: int, cycle: int) -> None:
    transport = Grid(48000, Fraction(120), 0)
    with pytest.raises(CompanionError, match="valid: 1 or more"):
        context_window(Tape(transport, chord, 0), transport, 0, frames, cycle)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from((44100, 48000)), st.fractions(40, 240, max_denominator=100))
def test_it_hears_the_real_capture_ring(rate: int, bpm: Fraction) -> None:
    from companion.audio.memory import AudioMemory
    from companion.audio.offline import OfflineStream

    transport = Grid(rate, bpm, rate)
    memory = AudioMemory(rate, players=1, ring_samples=2**20)
    heard = at_bar(transport, Fraction(3, 2))
    assume(heard < 15 * rate)
    time_s = (np.arange(heard) - transport.origin_samples) / rate
    OfflineStream(memory, chord(time_s).astype(np.float32)).advance(heard)
    ours = context_window(memory, transport, 0, 150, 1)
    tape = context_window(Tape(transport, chord, heard), transport, 0, 150, 1)
    np.testing.assert_allclose(ours.audio, tape.audio, atol=1e-6)
    np.testing.assert_array_equal(ours.known, tape.known)


def test_what_stands_in_for_bars_to_come_is_marked_as_a_guess() -> None:
    transport = Grid(48000, Fraction(120), 96000)
    now = at_bar(transport, Fraction(5))
    window = context_window(Tape(transport, chord, now), transport, 300, 400, 4)  # bars 3 to 6
    assert window.known.all()
    assert not window.guessed[:200].any() and window.guessed[200:].all()
    unknown = context_window(Tape(transport, chord, now), transport, 300, 400, 4, stand_in_from=99)
    assert not unknown.guessed.any()
