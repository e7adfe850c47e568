"""What the shared memory promises: rings by absolute frame, and nothing outside them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio import memory as module
from companion.audio.lease import Lease
from companion.audio.memory import AudioMemory
from companion.audio.offline import OfflineStream
from companion.system.errors import CompanionError
from tests.companion.audio.driving import drive, pass_time

RATE = 8000
RING = 1024
HALF = RING // 2


def rig(players: int = 1) -> AudioMemory:
    return AudioMemory(RATE, players, ring_samples=RING)


@pytest.mark.parametrize("rate", [8000, 44100, 48000, 96000])
def test_the_ring_holds_at_least_40_seconds_and_a_power_of_two(rate: int) -> None:
    ring = AudioMemory(rate, 0).ring_samples
    assert ring >= max(40 * rate, 2**20)
    assert ring & (ring - 1) == 0


@pytest.mark.parametrize("rate", [0, -48000, 11025, 22051])
def test_a_rate_that_is_no_multiple_of_50_is_refused_by_name(rate: int) -> None:
    with pytest.raises(CompanionError, match=f"{rate} Hz.*multiple of 50"):
        AudioMemory(rate, 1)


@given(st.lists(st.integers(1, 700), min_size=1, max_size=12))
@settings(deadline=None)
def test_what_was_heard_can_be_read_as_long_as_the_ring_holds_it(lengths: list[int]) -> None:
    memory = rig()
    heard = np.arange(1, sum(lengths) + 1, dtype=np.float32) / 2**14
    for length in lengths:
        start = memory.position
        drive(memory, heard[start : start + length], [16] * 100)
        now = memory.position
        oldest = memory.oldest_samples
        assert oldest == max(0, now - RING + RING // 64)
        np.testing.assert_array_equal(memory.capture(oldest, now - oldest), heard[oldest:now])


@pytest.mark.parametrize(("start", "n"), [(-1, 5), (1996, 5), (2000, 1), (500, 5), (1990, -1)])
def test_what_has_left_the_ring_or_is_yet_to_come_cannot_be_read(start: int, n: int) -> None:
    memory = rig()
    pass_time(memory, 2000)
    for read in (memory.capture, lambda s, k: memory.played(1, s, k)):
        with pytest.raises(CompanionError, match=rf"{start}\.\..*valid now are \d+\.\.2000"):
            read(start, n)
    assert len(memory.capture(2000, 0)) == 0


def test_what_is_overwritten_while_it_is_read_is_not_handed_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    memory = rig()
    pass_time(memory, 2000)
    copy = module._get

    def slow_copy(ring: np.ndarray, start: int, n: int) -> np.ndarray:
        pass_time(memory, 64)
        return copy(ring, start, n)

    monkeypatch.setattr(module, "_get", slow_copy)
    oldest = memory.oldest_samples
    with pytest.raises(CompanionError, match="cannot read"):
        memory.capture(oldest, 10)
    assert len(memory.capture(oldest + 200, 10)) == 10


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_timeline_plays_what_was_written_last(data: st.DataObject) -> None:
    memory = rig()
    wanted = np.zeros(16 * RING, np.float32)
    heard = [np.zeros(0, np.float32)]
    for value in range(1, data.draw(st.integers(1, 15)) + 1):
        now = memory.position
        offset = data.draw(st.integers(0, HALF))
        n = data.draw(st.integers(0, HALF - offset))
        memory.write(1, now + offset, np.full(n, value / 32, np.float32))
        wanted[now + offset : now + offset + n] = value / 32
        np.testing.assert_array_equal(memory.read_ahead(1, now, HALF), wanted[now : now + HALF])
        heard.append(pass_time(memory, data.draw(st.integers(0, RING))))
    played = np.concatenate(heard)
    np.testing.assert_array_equal(played, wanted[: len(played)])


def test_a_timeline_is_written_ahead_and_up_to_half_a_ring() -> None:
    memory = rig()
    pass_time(memory, 100)
    memory.write(1, 100, np.zeros(HALF, np.float32))
    assert memory.horizon_samples == 100 + HALF
    for start, n in [(99, 1), (100, HALF + 1), (100 + HALF, 1)]:
        with pytest.raises(CompanionError, match=rf"valid now are 100\.\.{100 + HALF}"):
            memory.write(1, start, np.zeros(n, np.float32))
        with pytest.raises(CompanionError, match=rf"valid now are 100\.\.{100 + HALF}"):
            memory.read_ahead(1, start, n)


def test_reads_are_copies() -> None:
    memory = rig()
    memory.write(1, 0, np.ones(8, np.float32))
    memory.read_ahead(1, 0, 8)[:] = 0
    pass_time(memory, 8)
    memory.played(1, 0, 8)[:] = 0
    np.testing.assert_array_equal(memory.played(1, 0, 8), memory.read_ahead(1, 8, 8) + 1.0)


@pytest.mark.parametrize("voice", [-1, 2])
def test_a_voice_that_does_not_exist_is_named(voice: int) -> None:
    memory = rig(players=1)
    for touch in (
        lambda: memory.write(voice, 0, np.zeros(1, np.float32)),
        lambda: memory.read_ahead(voice, 0, 1),
        lambda: memory.played(voice, 0, 0),
        lambda: memory.set_gain(voice, 1.0),
    ):
        with pytest.raises(ValueError, match=rf"voice {voice} .*0\.\.1"):
            touch()


@pytest.mark.parametrize("gain", [-0.1, float("nan"), float("inf")])
def test_a_gain_is_a_finite_number_from_0(gain: float) -> None:
    with pytest.raises(ValueError, match="gain"):
        rig().set_gain(1, gain)
    with pytest.raises(ValueError, match="gain"):
        rig().set_monitor(gain)


def test_sizes_that_cannot_work_are_refused() -> None:
    with pytest.raises(ValueError, match="power of two"):
        AudioMemory(RATE, 1, ring_samples=1000)
    with pytest.raises(ValueError, match="players"):
        AudioMemory(RATE, -1)
    with pytest.raises(ValueError, match="channels"):
        Lease(rig(), 0, 2)
    with pytest.raises(ValueError, match="click on channel 3"):
        Lease(rig(), 1, 2, click=3)
    with pytest.raises(ValueError, match="lease 4"):
        rig().lease(4)


def test_from_where_on_a_gain_is_moved_is_known_to_the_frame() -> None:
    memory = AudioMemory(8_000, 1)
    stream = OfflineStream(memory, np.zeros(0, np.float32), blocksize=64)
    memory.set_gain(1, 0.25)
    stream.advance(100)
    assert memory.taken_gain(1) == (0.25, 0)
    memory.set_gain(1, 0.5)
    assert memory.taken_gain(1) == (0.25, 0)
    stream.advance(101)
    assert memory.taken_gain(1) == (0.5, 100)
    memory.set_gain(1, 0.75)
    memory.set_gain(1, 0.0)
    stream.advance(300)
    assert memory.taken_gain(1) == (0.0, 101)
    assert memory.taken_gain(0) == (1.0, 0)
