"""What the compiled callback promises to whoever plays through it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from companion.audio import callback, machine
from companion.audio.lease import Lease
from companion.audio.machine import HOST_CLOCK
from companion.audio.memory import AudioMemory
from companion.system.errors import CompanionError
from tests.companion.audio.driving import PERIOD, drive, pass_time

RATE = 8000
RING = 8192
CEILING = np.float32(callback.CEILING)


def rig(players: int = 2) -> AudioMemory:
    return AudioMemory(RATE, players, ring_samples=RING)


def noise(n: int, seed: int = 0, peak: float = 0.2) -> np.ndarray:
    return (np.random.default_rng(seed).uniform(-peak, peak, n)).astype(np.float32)


@given(st.lists(st.integers(1, 128), max_size=40), st.floats(0, 4), st.floats(0, 2))
@settings(deadline=None, max_examples=40)
def test_how_the_time_is_cut_into_blocks_changes_nothing(
    sizes: list[int], gain: float, monitor: float
) -> None:
    results = []
    for blocks in (sizes, None):
        memory = rig()
        memory.set_gain(1, gain)
        memory.set_monitor(monitor)
        memory.write(1, 100, noise(1500, 1, peak=0.9))
        memory.write(2, 300, noise(1500, 2, peak=0.9))
        out = drive(memory, noise(2000), blocks)
        rings = [memory.capture(0, 2000), *(memory.played(v, 0, 2000) for v in range(3))]
        results.append((out, *rings))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)


@given(st.integers(1, 8), st.integers(1, 8))
@settings(deadline=None, max_examples=20)
def test_any_number_of_channels(inputs: int, outputs: int) -> None:
    memory = rig()
    memory.set_monitor(1.0)
    heard = noise(500 * inputs).reshape(500, inputs)
    out = drive(memory, heard, outputs=outputs)
    np.testing.assert_allclose(memory.capture(0, 500), heard.mean(axis=1), atol=1e-7)
    for channel in range(outputs):
        wanted = memory.capture(0, 500) if channel < 2 else np.zeros(500)
        np.testing.assert_array_equal(out[:, channel], wanted)


def test_equal_channels_are_captured_bit_for_bit() -> None:
    memory = rig()
    mono = noise(500)
    drive(memory, np.stack([mono, mono], axis=1))
    np.testing.assert_array_equal(memory.capture(0, 500), mono)


def test_voices_are_summed_each_with_its_gain() -> None:
    memory = rig()
    clips = [noise(400, seed) for seed in range(3)]
    gains = [1.0, 0.5, 0.25]
    for voice, (clip, gain) in enumerate(zip(clips, gains, strict=True)):
        memory.set_gain(voice, gain)
        memory.write(voice, 50, clip)
    out = pass_time(memory, 500)
    for voice, (clip, gain) in enumerate(zip(clips, gains, strict=True)):
        np.testing.assert_array_equal(memory.played(voice, 50, 400), clip * np.float32(gain))
    np.testing.assert_array_equal(out[50:450], clips[0] + clips[1] * 0.5 + clips[2] * 0.25)
    assert not out[:50].any() and not out[450:].any()


def test_the_monitor_is_off_until_it_is_asked_for() -> None:
    assert not drive(rig(), noise(500)).any()


def test_gains_set_before_the_first_block_apply_from_the_first_sample() -> None:
    memory = rig()
    memory.set_gain(1, 0.5)
    memory.write(1, 0, np.full(10, 0.5, np.float32))
    np.testing.assert_array_equal(pass_time(memory, 10), np.full(10, 0.25))


@given(st.lists(st.floats(0, 4), min_size=1, max_size=6))
@settings(deadline=None, max_examples=30)
def test_a_gain_moves_at_most_1_in_10_ms_and_arrives_exactly(targets: list[float]) -> None:
    memory = rig()
    level = np.float32(0.125)
    memory.write(1, 0, np.full(RING // 2, level))
    pass_time(memory, 1)
    before = 1.0
    for target in targets:
        memory.set_gain(1, target)
        start = memory.position
        pass_time(memory, round(0.04 * RATE) + 1)
        gains = memory.played(1, start, memory.position - start) / level
        steps = np.abs(np.diff(np.concatenate([[before], gains])))
        assert steps.max() <= 1 / (0.010 * RATE) + 1e-6
        assert gains[-1] == np.float32(target * float(level)) / level
        before = gains[-1]


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=300))
@settings(deadline=None)
def test_nothing_louder_than_the_ceiling_comes_out(samples: list[float]) -> None:
    memory = rig()
    memory.set_monitor(1.0)
    out = drive(memory, np.array(samples, np.float32))
    assert np.abs(out).max() <= CEILING


@given(st.lists(st.floats(-callback.CEILING, callback.CEILING, width=32), min_size=1, max_size=300))
@settings(deadline=None)
def test_below_the_ceiling_the_mix_passes_bit_for_bit(samples: list[float]) -> None:
    memory = rig()
    memory.set_monitor(1.0)
    heard = np.array(samples, np.float32)
    np.testing.assert_array_equal(drive(memory, heard)[:, 0], heard)
    assert memory.counters.limited_samples == 0


def test_the_limiter_turns_down_at_once_and_lets_go_within_half_a_second() -> None:
    memory = rig()
    memory.set_monitor(1.0)
    heard = np.full(RATE, 0.5, np.float32)
    heard[1000] = 4.0
    out = drive(memory, heard)[:, 0]
    np.testing.assert_array_equal(out[:1000], heard[:1000])
    assert out[1000] == CEILING
    assert out[1001] == pytest.approx(0.5 * 0.98 / 4, rel=0.01)
    assert np.all(np.diff(out[1001:]) >= 0)
    np.testing.assert_array_equal(out[1001 + RATE // 2 :], heard[1001 + RATE // 2 :])


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_becomes_silence_and_is_counted(bad: float) -> None:
    memory = rig()
    memory.set_monitor(1.0)
    memory.write(1, 20, np.full(5, bad, np.float32))
    heard = noise(200)
    heard[10] = bad
    out = drive(memory, heard)[:, 0]
    heard[10] = 0
    np.testing.assert_array_equal(out, heard)
    np.testing.assert_array_equal(memory.capture(0, 200), heard)
    assert not memory.played(1, 0, 200).any()
    assert memory.counters.zeroed_samples == 6


def test_a_clip_sounds_once_and_not_a_turn_of_the_ring_later() -> None:
    memory = rig()
    memory.write(1, 10, noise(300))
    assert pass_time(memory, 400).any()
    assert not pass_time(memory, 3 * RING).any()


def test_portaudio_flags_are_counted_each_for_itself() -> None:
    memory = rig()
    for flags in (1, 2, 2, 4, 4, 4, 8, 6, 16):
        drive(memory, np.zeros(PERIOD), flags=flags)
    counters = memory.counters
    assert counters.input_underflows == 1
    assert counters.input_overflows == 3
    assert counters.output_underflows == 4
    assert counters.output_overflows == 1
    assert counters.xruns == 4


def missed_periods(slips: list[int]) -> float:
    """Periods counted as missed when block k comes ``slips[k]`` periods late."""
    memory = rig()
    clock_s = [(block + slip) * PERIOD / RATE for block, slip in enumerate(slips)]
    drive(memory, np.zeros(len(slips) * PERIOD), clock_s=clock_s)
    return memory.counters.missed_samples / PERIOD


WINDOW = callback.SLIP_WINDOW_BLOCKS


def test_periods_the_device_went_on_without_us_are_counted() -> None:
    assert missed_periods([0] * 100 + [3] * (3 * WINDOW)) == 3
    assert missed_periods([7] * 100 + [8] * (2 * WINDOW) + [20] * (2 * WINDOW)) == 13


def test_a_clock_that_ran_ahead_for_a_while_has_missed_nothing_in_the_end() -> None:
    assert missed_periods([0] * 100 + [2] * (2 * WINDOW) + [0] * (3 * WINDOW)) == 0
    assert missed_periods([0] * 100 + [5] * (2 * WINDOW) + [3] * (3 * WINDOW)) == 3
    assert missed_periods([3] * (3 * WINDOW) + [0] * (3 * WINDOW)) == 0


@given(st.lists(st.floats(0.03, 9.0), min_size=1, max_size=4), st.data())
@settings(deadline=None, max_examples=20)
def test_a_leap_of_any_length_is_counted_to_the_sample(leaps: list[float], data) -> None:
    late, slips = 0.0, []
    for leap in [0.0, *leaps]:
        late += leap  # periods of 8 ms
        hitch = data.draw(st.floats(0, 5))
        slips += [late, late + hitch] * (WINDOW + WINDOW // 4)
    assert missed_periods(slips) == pytest.approx(sum(leaps), abs=len(leaps) / PERIOD)


def test_a_device_that_plays_in_real_time_is_counted_by_the_clock_of_the_host() -> None:
    memory = rig()
    lease = Lease(memory, host_clock=True)
    lease.open()
    blocks = 3 * WINDOW
    leaping = [block * PERIOD / RATE * 2 for block in range(blocks)]
    drive(memory, np.zeros(blocks * PERIOD), clock_s=leaping, lease=lease)
    assert memory.counters.missed_samples == (0 if HOST_CLOCK else blocks * PERIOD)


def test_waking_up_late_and_catching_up_is_no_missed_period() -> None:
    slips = [0] * (4 * WINDOW)
    slips[90], slips[91], slips[92] = 3, 2, 1
    assert missed_periods(slips) == 0


def test_leaps_that_are_small_do_not_add_up_unseen() -> None:
    leap = 3 / PERIOD  # 0.4 ms
    late = np.repeat(np.arange(8) * leap, 4 * WINDOW)
    jitter = np.random.default_rng(0).exponential(0.01, len(late))
    assert missed_periods(list(late + jitter)) == pytest.approx(7 * leap)


def test_a_clock_that_drifts_or_stands_still_is_no_missed_period() -> None:
    memory = rig()
    blocks = 20 * WINDOW
    drift = [block * PERIOD / RATE * 1.0002 for block in range(blocks)]
    drive(memory, np.zeros(blocks * PERIOD), clock_s=drift)
    drive(memory, np.zeros(blocks * PERIOD), clock_s=[0.0] * blocks)
    assert memory.counters.missed_samples == 0


def test_counters_count_frames_and_blocks() -> None:
    memory = rig()
    drive(memory, np.zeros(1000), [100, 200])
    assert memory.position == 1000
    assert memory.blocks == 2 + -(-700 // PERIOD)


def test_meters_hold_the_peak_and_fall_20_db_a_second() -> None:
    memory = rig()
    memory.set_monitor(0.5)
    memory.write(2, 0, np.full(1, 0.25, np.float32))
    heard = np.zeros(PERIOD, np.float32)
    heard[30] = -0.8
    drive(memory, heard)
    meters = memory.meters
    assert meters.input == pytest.approx(0.8)
    assert meters.output == pytest.approx(0.4)
    assert meters.voices == (0.0, 0.0, 0.25)
    pass_time(memory, RATE)
    assert memory.meters.input == pytest.approx(0.08)
    assert memory.meters.output == pytest.approx(0.04)
    assert memory.meters.voices == pytest.approx((0.0, 0.0, 0.025))


def test_it_compiles_where_no_folder_can_keep_the_machine_code(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compile_it = machine.cfunc

    def no_folder(signature: object, cache: bool = False) -> object:
        if cache:
            raise RuntimeError("cannot cache function: no locator available")
        return compile_it(signature)

    monkeypatch.setattr(machine, "cfunc", no_folder)
    assert machine.compiled.__wrapped__(callback._process).address


def test_a_click_with_a_channel_of_its_own_is_nowhere_else() -> None:
    memory = rig()
    lease = Lease(memory, 1, 4, click=3)
    lease.open()
    memory.write(0, 50, noise(400, 1))
    memory.write(1, 50, noise(400, 2))
    out = drive(memory, np.zeros(500), outputs=4, lease=lease)
    for channel in (0, 1):
        np.testing.assert_array_equal(out[50:450, channel], noise(400, 2))
    np.testing.assert_array_equal(out[50:450, 2], noise(400, 1))
    assert not out[:, 3].any()


@given(st.lists(st.floats(-1e6, 1e6, width=32), min_size=1, max_size=100))
@settings(deadline=None, max_examples=30)
def test_a_loud_click_stays_under_the_ceiling_on_its_channel(samples: list[float]) -> None:
    memory = rig()
    lease = Lease(memory, 1, 2, click=2)
    lease.open()
    memory.set_gain(0, 3.0)
    memory.write(0, 10, np.array(samples, np.float32))
    assert np.abs(drive(memory, np.zeros(200), outputs=2, lease=lease)).max() <= CEILING


def test_a_stream_whose_lease_is_closed_is_silent_and_moves_nothing() -> None:
    memory = rig()
    memory.set_monitor(1.0)
    memory.write(1, 0, noise(300))
    lease = Lease(memory, 1, 2)
    assert not drive(memory, noise(200), outputs=2, lease=lease).any()
    assert (memory.position, memory.blocks, lease.calls) == (0, 0, -(-200 // PERIOD))
    lease.open()
    assert drive(memory, noise(200), outputs=2, lease=lease).any()
    assert lease.close()
    assert memory.position == 200
    assert not drive(memory, noise(200), outputs=2, lease=lease).any()
    assert memory.position == 200


def test_everything_rises_from_silence_after_a_return() -> None:
    memory = rig()
    memory.set_monitor(1.0)
    drive(memory, np.full(100, 0.5))
    memory.fade_in()
    out = drive(memory, np.full(RATE, 0.5))[:, 0]
    assert out[0] <= 0.5 / (0.2 * RATE) + 1e-6
    assert np.all(np.diff(out) >= 0)
    np.testing.assert_array_equal(out[round(0.2 * RATE) + 1 :], 0.5)


@given(st.lists(st.integers(1, 128), max_size=20), st.floats(0.0, 2.0))
@settings(deadline=None, max_examples=30)
def test_everything_rises_the_same_to_the_bit_whatever_the_blocks(
    blocks: list[int], gain: float
) -> None:
    rises = []
    for sizes in ([], blocks):
        memory = rig()
        memory.set_gain(1, gain)
        memory.write(1, 0, noise(4000, 5))
        memory.fade_in()
        assert memory.fades == (0,)
        drive(memory, np.zeros(4000), sizes)
        rises.append(memory.played(1, 0, 4000))
    np.testing.assert_array_equal(*rises)


@given(st.integers(0, 500), st.integers(1, 300), st.lists(st.integers(1, 128), max_size=20))
@settings(deadline=None, max_examples=30)
def test_a_probe_sounds_once_on_its_frames_whatever_the_gains(
    start: int, length: int, blocks: list[int]
) -> None:
    memory = rig()
    for voice in range(3):
        memory.set_gain(voice, 0.0)
    memory.fade_in()
    burst = noise(length, 5)
    memory.write_probe(start, burst)
    out = drive(memory, np.zeros(1500), blocks)[:, 0]
    np.testing.assert_array_equal(out[start : start + length], burst)
    assert not out[:start].any() and not out[start + length :].any()


def pair(second: float, seconds: float, apart: float = 0.0) -> np.ndarray:
    """Two channels: noise, and that times `second` with noise of its own beside it."""
    frames = round(seconds * RATE)
    one, own = noise(frames, 1), noise(frames, 2)
    return np.stack([one, second * one + apart * own], axis=1).astype(np.float32)


def test_a_channel_upside_down_is_turned_round_and_stays_so() -> None:
    memory = rig()
    heard = pair(-1.0, 0.4)
    drive(memory, heard)
    settled = round(0.2 * RATE)  # heard for long enough, and gone over to
    captured = memory.capture(settled, len(heard) - settled)
    np.testing.assert_allclose(captured, heard[settled:, 0], atol=1e-6)
    drive(memory, np.zeros((RATE // 20, 2), np.float32))  # a rest says nothing new
    again = pair(-1.0, 0.05)
    drive(memory, again)
    np.testing.assert_allclose(
        memory.capture(memory.position - len(again), len(again)), again[:, 0]
    )


def test_nearly_upside_down_is_no_quieter_than_upside_down() -> None:
    memory = rig()
    heard = pair(-0.98, 0.4)
    drive(memory, heard)
    end = memory.capture(len(heard) - 1000, 1000)
    assert np.std(end) > 0.95 * np.std(heard[-1000:, 0])


def test_a_channel_that_was_turned_is_turned_back_when_it_is_whole_again() -> None:
    memory = rig()
    drive(memory, pair(-1.0, 0.4))
    heard = pair(1.0, 2.0)
    drive(memory, heard)
    end = memory.capture(memory.position - 1000, 1000)
    np.testing.assert_array_equal(end, heard[-1000:, 0])


@pytest.mark.parametrize(
    ("second", "apart"), [(1.0, 0.0), (0.0, 0.0), (0.5, 0.5), (0.0, 1.0), (-0.5, 0.0), (-0.3, 0.7)]
)
def test_channels_that_do_not_cancel_are_their_mean(second: float, apart: float) -> None:
    memory = rig()
    heard = pair(second, 0.6, apart)
    drive(memory, heard)
    np.testing.assert_allclose(memory.capture(0, len(heard)), heard.mean(axis=1), atol=1e-7)


def test_how_the_time_is_cut_into_blocks_does_not_change_what_two_channels_make() -> None:
    heard = pair(-0.9, 0.4, 0.05)
    captured = []
    for blocks in ([1, 7, 300, 1024], None):
        memory = rig()
        drive(memory, heard, blocks)
        captured.append(memory.capture(0, len(heard)))
    np.testing.assert_array_equal(*captured)


@given(st.lists(st.integers(1, 128), max_size=40), st.integers(1, 2 * RING))
@settings(deadline=None, max_examples=30)
def test_both_channels_are_kept_to_the_bit_beside_their_mean(sizes: list[int], n: int) -> None:
    memory = AudioMemory(RATE, 2, ring_samples=RING, stereo=True)
    heard = noise(2 * n, n).reshape(n, 2)
    drive(memory, heard, sizes)
    first = memory.oldest_samples
    np.testing.assert_array_equal(memory.capture_stereo(first, n - first), heard[first:])
    mean = memory.capture(first, n - first)
    np.testing.assert_array_equal(mean, heard[first:].mean(axis=1, dtype=np.float64).astype("f4"))
    with pytest.raises(CompanionError, match="stereo capture"):
        memory.capture_stereo(n - 1, 2)


def test_channels_that_are_turned_round_to_be_heard_are_kept_as_they_are() -> None:
    memory = AudioMemory(RATE, 0, ring_samples=RING, stereo=True)
    one = noise(6000)
    drive(memory, np.stack([one, -one], axis=1))
    np.testing.assert_array_equal(memory.capture(5000, 1000), one[5000:])
    kept = memory.capture_stereo(0, 6000)
    np.testing.assert_array_equal(kept, np.stack([one, -one], axis=1))


def test_one_channel_is_kept_in_both_and_what_is_not_finite_is_silence() -> None:
    memory = AudioMemory(RATE, 0, ring_samples=RING, stereo=True)
    drive(memory, noise(300))
    np.testing.assert_array_equal(memory.capture_stereo(0, 300), np.stack(2 * [noise(300)], axis=1))
    heard = noise(200).reshape(100, 2)
    heard[50, 1] = np.nan
    drive(memory, heard)
    heard[50] = 0.0
    np.testing.assert_array_equal(memory.capture_stereo(300, 100), heard)


def test_the_second_ring_is_the_only_difference_it_makes() -> None:
    results = []
    for stereo in (False, True):
        memory = AudioMemory(RATE, 1, ring_samples=RING, stereo=stereo)
        memory.set_monitor(0.5)
        memory.write(1, 100, noise(1500, 1, peak=0.9))
        memory.write_probe(700, noise(300, 3))
        out = drive(memory, noise(4000).reshape(2000, 2), outputs=2)
        results.append((out, memory.capture(0, 2000), memory.played(1, 0, 2000)))
    for one, other in zip(*results, strict=True):
        np.testing.assert_array_equal(one, other)
