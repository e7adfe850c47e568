"""Waiting for a sample: exact offline, in time and not for ever live."""

from __future__ import annotations

from threading import Event

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.audio.timebase import POLL_S, OfflineTimebase, StreamTimebase
from companion.system.errors import CompanionError

RATE = 8000


def offline() -> OfflineStream:
    memory = AudioMemory(RATE, 1, ring_samples=8192)
    return OfflineStream(memory, np.zeros(0, np.float32), blocksize=64)


@given(st.lists(st.integers(0, 20000), max_size=8))
@settings(deadline=None, max_examples=30)
def test_offline_waiting_ends_on_exactly_the_sample(samples: list[int]) -> None:
    timebase = OfflineTimebase(offline())
    reached = 0
    for sample in samples:
        reached = max(reached, sample)
        assert timebase.wait_until(sample) == reached
        assert timebase.now_samples() == reached


class World:
    """A device that plays while somebody sleeps, until it is unplugged at a sample."""

    def __init__(self, unplugged_at: int | None = None) -> None:
        self.stream = offline()
        self.seconds = 0.0
        self.unplugged_at = unplugged_at
        self.naps: list[float] = []

    def clock(self) -> float:
        return self.seconds

    def sleep(self, seconds: float) -> None:
        self.naps.append(seconds)
        self.seconds += seconds + 0.0002
        due = int(self.seconds * RATE) // 64 * 64
        if self.unplugged_at is not None:
            due = min(due, self.unplugged_at)
        self.stream.advance(due)

    def timebase(self) -> StreamTimebase:
        return StreamTimebase(self.stream.memory, self.clock, self.sleep)


@given(st.lists(st.integers(1, 20000), min_size=1, max_size=8))
@settings(deadline=None, max_examples=30)
def test_live_waiting_ends_soon_after_the_sample(samples: list[int]) -> None:
    world = World()
    timebase = world.timebase()
    for sample in samples:
        before = timebase.now_samples()
        reached = timebase.wait_until(sample)
        assert reached == timebase.now_samples()
        late = reached - max(before, sample)
        assert 0 <= late <= 64 + (POLL_S + 0.0002) * RATE
    assert max(world.naps, default=0) <= POLL_S


def test_a_stream_that_stands_still_ends_the_wait_with_an_error() -> None:
    world = World(unplugged_at=4032)
    timebase = world.timebase()
    assert timebase.wait_until(4000) >= 4000
    with pytest.raises(CompanionError, match=r"stands still at sample 4032.*5\.0 s"):
        timebase.wait_until(8000)
    assert 5.0 < world.seconds - 4032 / RATE < 5.1


def test_short_waits_notice_it_too() -> None:
    world = World(unplugged_at=4032)
    timebase = world.timebase()
    timebase.wait_until(4032)
    with pytest.raises(CompanionError, match="stands still"):
        for _ in range(2000):
            timebase._pass(80)


def test_a_thread_that_did_not_look_for_long_sees_a_stream_that_went_on() -> None:
    world = World()
    timebase = world.timebase()
    timebase.wait_until(100)
    for _ in range(1000):
        world.sleep(POLL_S)
    assert timebase.wait_until(timebase.now_samples() + 1) > 0


@given(at=st.integers(0, 20000), samples=st.integers(1, 20000))
@settings(deadline=None, max_examples=30)
def test_offline_nobody_is_roused(at: int, samples: int) -> None:
    roused = Event()
    roused.set()
    timebase = OfflineTimebase(offline())
    timebase.wait_until(at)
    assert timebase.wait_until(at + samples, roused) == at + samples


class Rousing(Event):
    """Is set at a sample, by somebody else, while a world plays."""

    def __init__(self, world: World, at: int) -> None:
        super().__init__()
        self._world, self._at = world, at

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self._world.sleep(timeout)
        if self._world.stream.memory.position >= self._at:
            self.set()
        return self.is_set()


@given(at=st.integers(1, 20000), sample=st.integers(1, 20000))
@settings(deadline=None, max_examples=30)
def test_live_a_wait_ends_as_soon_as_it_is_roused(at: int, sample: int) -> None:
    world = World()
    timebase = world.timebase()
    reached = timebase.wait_until(sample, Rousing(world, at))
    assert reached == timebase.now_samples()
    assert 0 <= reached - min(at, sample) <= 64 + (POLL_S + 0.0002) * RATE


def test_who_waits_to_be_roused_notices_a_stream_that_stands_still() -> None:
    world = World(unplugged_at=4032)
    timebase = world.timebase()
    with pytest.raises(CompanionError, match="stands still"):
        timebase.wait_until(8000, Rousing(world, 9000))
