"""The streams without a sound card keep the same contract as the ones with."""

from __future__ import annotations

import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream, PacedStream
from companion.audio.timebase import OfflineTimebase, StreamTimebase
from tests.companion.audio.stream_contract import (
    LEAD,
    LENGTH,
    PLAYERS,
    SIGNAL_AT,
    Outcome,
    StreamContract,
    perform,
    prepare,
    signal,
)

RATE = 48000


class TestOffline(StreamContract):
    @pytest.fixture(scope="class")
    @classmethod
    def outcome(cls) -> Outcome:
        memory = AudioMemory(RATE, PLAYERS)
        prepare(memory)
        heard = np.concatenate([np.zeros(LEAD + SIGNAL_AT, np.float32), signal()])
        stream = OfflineStream(memory, heard, record=True)
        trigger = perform(memory, OfflineTimebase(stream))
        return Outcome(
            rate=RATE,
            output=stream.output[trigger:],
            captured=memory.capture(trigger, LENGTH),
            played=np.stack([memory.played(v, trigger, LENGTH) for v in range(memory.voices)]),
            round_trip=0,
            zeroed=memory.counters.zeroed_samples,
        )


def memory() -> AudioMemory:
    return AudioMemory(8000, 1, ring_samples=8192)


@given(st.lists(st.integers(0, 6000), max_size=10), st.integers(1, 128), st.integers(0, 5000))
@settings(deadline=None, max_examples=40)
def test_it_advances_to_exactly_the_sample_and_hears_silence_after_its_signal(
    stops: list[int], blocksize: int, length: int
) -> None:
    rig = memory()
    rig.set_monitor(1.0)
    heard = (np.arange(1, length + 1) / 2**13).astype(np.float32)
    stream = OfflineStream(rig, heard, blocksize, record=True)
    for stop in stops:
        before = rig.position
        stream.advance(stop)
        assert rig.position == max(before, stop)
    wanted = np.zeros(rig.position, np.float32)
    wanted[: min(length, rig.position)] = heard[: rig.position]
    np.testing.assert_array_equal(stream.output, wanted)


def test_it_misses_nothing() -> None:
    stream = OfflineStream(memory(), np.zeros(0, np.float32), 64)
    for stop in range(0, 50_000, 1234):
        stream.advance(stop)
    counters = stream.memory.counters
    assert (counters.missed_samples, counters.xruns) == (0, 0)


def test_its_signal_begins_where_the_memory_stands() -> None:
    rig = memory()
    OfflineStream(rig, np.ones(10, np.float32), 64).advance(100)
    second = OfflineStream(rig, np.full(10, 0.5, np.float32), 64)
    second.advance(110)
    np.testing.assert_array_equal(rig.capture(100, 10), np.full(10, 0.5))


def test_without_record_it_keeps_nothing() -> None:
    stream = OfflineStream(memory(), np.zeros(10, np.float32), 64)
    with pytest.raises(ValueError, match="record=True"):
        _ = stream.output


def test_it_starts_and_closes_like_a_sound_card() -> None:
    stream = OfflineStream(memory(), np.zeros(10, np.float32), 64)
    stream.start()
    assert stream.rate == 8000
    stream.close()
    assert stream.memory.position == 0


def test_what_it_cannot_play_is_refused() -> None:
    with pytest.raises(ValueError, match="mono"):
        OfflineStream(memory(), np.zeros((10, 2), np.float32), 64)
    with pytest.raises(ValueError, match=r"blocksize 129 .* 1\.\.128"):
        OfflineStream(memory(), np.zeros(10, np.float32), blocksize=129)


@given(st.lists(st.floats(0, 0.2), min_size=1, max_size=20))
@settings(deadline=None, max_examples=40)
def test_a_paced_stream_is_never_ahead_of_the_clock_nor_a_block_behind(
    naps: list[float],
) -> None:
    rig = memory()
    now_s = [100.0]
    stream = PacedStream(rig, np.zeros(0, np.float32), 64, clock=lambda: now_s[0])
    for nap in naps:
        now_s[0] += nap
        wait_s = stream.keep_up(-100.0 * 8000)
        due = (now_s[0] - 100.0) * 8000
        assert due - 64 - 1e-3 <= rig.position <= due + 1e-3
        assert rig.position % 64 == 0
        assert now_s[0] + wait_s == pytest.approx(100.0 + (rig.position + 64) / 8000)


def test_a_paced_stream_moves_by_itself_until_it_is_stopped() -> None:
    rig = memory()
    stream = PacedStream(rig, np.full(4000, 0.25, np.float32), 64)
    for _ in range(2):
        stream.start()
        stream.start()
        assert rig.position >= 64
        wanted = rig.position + 640
        assert StreamTimebase(rig).wait_until(wanted) >= wanted
        stream.stop()
        stream.stop()
    now = rig.position
    np.testing.assert_array_equal(rig.capture(0, now), np.full(now, 0.25))
    stream.start()
    stream.close()
    end = rig.position
    time.sleep(0.05)
    assert rig.position == end


@given(st.lists(st.integers(0, 6000), max_size=6), st.integers(1, 128), st.integers(0, 3000))
@settings(deadline=None, max_examples=30)
def test_a_recording_is_heard_as_it_was_mixed_and_kept_as_it_was(
    stops: list[int], blocksize: int, length: int
) -> None:
    rig = AudioMemory(8000, 1, ring_samples=8192, stereo=True)
    both = np.random.default_rng(length).uniform(-1, 1, (length, 2)).astype(np.float32)
    mixed = (both @ [1.0, -0.75]).astype(np.float32)  # no mean of the two
    stream = OfflineStream(rig, mixed, blocksize, stereo=both)
    for stop in stops:
        stream.advance(stop)
    end = rig.position
    wanted = np.zeros((max(end, length), 3), np.float32)
    wanted[:length] = np.column_stack([mixed, both])
    np.testing.assert_array_equal(rig.capture(0, end), wanted[:end, 0])
    np.testing.assert_array_equal(rig.capture_stereo(0, end), wanted[:end, 1:])


@pytest.mark.parametrize("shape", [(10,), (10, 1), (9, 2)])
def test_two_channels_are_as_long_as_their_mix(shape: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match=r"\[10, 2\]"):
        OfflineStream(memory(), np.zeros(10, np.float32), 64, stereo=np.zeros(shape, np.float32))
