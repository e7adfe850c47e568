"""The input in time with what was played, through losses of the device and other round trips."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio.aligned_input import AlignedInput, Look
from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.system.errors import CompanionError

RATE = 8000
COUNTING = np.arange(1, 60_000, dtype=np.float32)
"""Each captured frame tells its number, from 1."""


def stream(to: int) -> OfflineStream:
    moved = OfflineStream(AudioMemory(RATE, 1), COUNTING)
    moved.advance(to)
    return moved


def away() -> tuple[OfflineStream, AlignedInput]:
    """A device with a round trip of 300 frames that was away from frame 4000 to 6000."""
    moving = stream(4000)
    performed = AlignedInput(moving.memory, 300)
    performed.gone(4000)
    moving.advance(6000)
    assert performed.gaps == ((3700, None),)
    performed.back(6000)
    return moving, performed


def test_what_is_played_along_with_a_frame_is_that_frame() -> None:
    memory = stream(5000).memory
    performed = AlignedInput(memory, 300)
    assert performed.position == 4700
    np.testing.assert_array_equal(performed.capture(1000, 50), COUNTING[1300:1350])


def test_a_device_that_comes_back_with_another_round_trip() -> None:
    moving, performed = away()
    performed.shift(6000, 500)
    moving.advance(9000)
    assert performed.gaps == ((3700, 5500), (5500, 5700))  # 200 frames were told under the old one
    assert performed.position == 8500
    np.testing.assert_array_equal(performed.capture(5500, 10), COUNTING[6000:6010])
    np.testing.assert_array_equal(performed.capture(3690, 10), COUNTING[3990:4000])


def test_what_was_heard_before_the_round_trip_was_known_does_not_count() -> None:
    moving, performed = away()
    moving.advance(7200)
    performed.shift(6000, 500)
    assert performed.gaps == ((3700, 5500), (5500, 6900))
    performed.shift(6000, 500)
    moving.advance(9000)
    assert performed.gaps == ((3700, 5500), (5500, 6900))


@given(
    first_trip=st.integers(0, 600),
    outages=st.lists(
        st.tuples(
            st.integers(1, 3000), st.integers(1, 3000), st.integers(0, 1500), st.integers(0, 600)
        ),
        max_size=3,
    ),
    last=st.booleans(),
    asked=st.lists(st.tuples(st.integers(0, 20_000), st.integers(1, 4000)), max_size=20),
)
@settings(max_examples=60)
def test_what_lies_in_no_gap_is_whole(
    first_trip: int,
    outages: list[tuple[int, int, int, int]],
    last: bool,
    asked: list[tuple[int, int]],
) -> None:
    moving = stream(2000)
    performed = AlignedInput(moving.memory, first_trip)
    for there, away, settling, trip in outages:
        moving.advance(moving.memory.position + there)
        performed.gone(moving.memory.position)
        moving.advance(moving.memory.position + away)
        back = moving.memory.position
        performed.back(back)
        moving.advance(back + settling)
        performed.shift(back, trip)
    moving.advance(moving.memory.position + 1000)
    if last:
        performed.gone(moving.memory.position)
        moving.advance(moving.memory.position + 1000)
    for start, n in asked:
        crossed = any(
            first < start + n and (end is None or start < end) for first, end in performed.gaps
        )
        if crossed:
            with pytest.raises(CompanionError):
                performed.look().capture(start, n)


def test_a_look_hears_the_same_whatever_is_told_of_the_device_later() -> None:
    moving = stream(4000)
    performed = AlignedInput(moving.memory, 300)
    look = performed.look()
    performed.gone(3900)
    moving.advance(6000)
    assert (look.position, look.gaps) == (3700, ())
    np.testing.assert_array_equal(look.capture(3600, 100), COUNTING[3900:4000])
    with pytest.raises(CompanionError, match="no sound device"):
        performed.look().capture(3590, 100)


@given(st.integers(0, 3000), st.integers(0, 3000), st.integers(0, 1000))
def test_what_was_played_before_the_take_begins_is_silence(first: int, start: int, n: int) -> None:
    whole = AlignedInput(stream(5000).memory, 300)
    look = Look(whole, 4700, first)
    expected = whole.capture(start, n)
    expected[: max(0, first - start)] = 0.0
    np.testing.assert_array_equal(look.capture(start, n), expected)


@given(
    shifts=st.lists(st.tuples(st.integers(1, 3000), st.integers(0, 600)), max_size=3),
    asked=st.lists(st.tuples(st.integers(0, 5000), st.integers(0, 3000)), max_size=10),
)
def test_two_channels_are_performed_when_their_mean_is(
    shifts: list[tuple[int, int]], asked: list[tuple[int, int]]
) -> None:
    memory = AudioMemory(RATE, 1, stereo=True)
    both = np.stack([COUNTING, 0.5 * COUNTING], axis=1)
    moving = OfflineStream(memory, 0.75 * COUNTING, stereo=both)
    performed = AlignedInput(memory, 300)
    moving.advance(2000)
    for later, trip in shifts:
        moving.advance(memory.position + later)
        performed.shift(memory.position, trip)
    moving.advance(memory.position + 9000)
    for start, n in asked:
        kept = performed.capture_stereo(start, n)
        assert kept.shape == (n, 2)
        np.testing.assert_array_equal(kept.mean(axis=1), performed.capture(start, n))
