"""A stream that goes on whatever becomes of its device, on a device of the test's own."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest

from companion.audio.lease import Lease
from companion.device.devices import Device
from companion.device.event import News
from companion.device.supervisor import OTHER_S, Supervisor
from companion.device.wire import Wanted
from companion.system.errors import CompanionError, NoDevice
from tests.companion.device.fake import FakeLink, FakeWorld

RATE, BLOCK = 8000, 64
CARD = Device(0, "card", "ALSA", 2, 2, RATE, True, True, 0)
OTHER = Device(1, "other", "ALSA", 2, 2, RATE, True, True, 0)


@pytest.fixture(autouse=True)
def own_calibration(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("COMPANION_CONFIG", str(tmp_path))


@pytest.fixture
def world() -> FakeWorld:
    return FakeWorld((CARD,))


@pytest.fixture
def stream(world: FakeWorld) -> Iterator[Supervisor]:
    """Started, but looked at by the test only."""
    made = Supervisor(1, Wanted(), BLOCK, world.open_link, world.clock, world.sleep)
    made._run = lambda: None  # type: ignore[method-assign]
    made.start()
    made.drain()
    yield made
    made.close()


def fall_silent(link: FakeLink) -> Lease | None:
    """The device calls no longer; what `speak` needs."""
    lease, link._lease = link._lease, None
    return lease


def speak(world: FakeWorld, link: FakeLink, lease: Lease | None) -> None:
    """It calls again from now on."""
    link._started_s = world.now_s - link._done * BLOCK / RATE
    link._lease = lease


def go(world: FakeWorld, stream: Supervisor, seconds: float) -> list[News]:
    """Pass time in small steps, with a look at each; the stand-in's thread follows."""
    until_s = world.now_s + seconds
    while world.now_s < until_s:
        world.sleep(0.02)
        if stream.away:  # its thread sleeps by the real clock
            deadline_s = time.monotonic() + 5
            due = (world.now_s - 0.02) * RATE + stream._line
            while stream.away and stream.memory.position < due and time.monotonic() < deadline_s:
                time.sleep(0.001)
        stream.tick()
    return stream.drain()


def test_it_plays_as_any_stream(world: FakeWorld, stream: Supervisor) -> None:
    stream.memory.write(1, stream.memory.position + 100, np.full(10, 0.5, np.float32))
    at = stream.memory.position + 100
    assert not go(world, stream, 1.0)
    np.testing.assert_array_equal(stream.memory.played(1, at, 10), np.full(10, 0.5))
    assert not stream.away


def test_bars_go_on_by_the_clock_while_the_device_is_away(
    world: FakeWorld, stream: Supervisor
) -> None:
    go(world, stream, 1.0)
    before = stream.memory.position - world.now_s * RATE
    world.unplug()
    (lost, *_) = go(world, stream, 3.0)
    assert lost.what == "lost"
    assert stream.away
    after = stream.memory.position - world.now_s * RATE
    assert abs(after - before) <= 3 * BLOCK + 0.02 * RATE
    world.devices = (CARD,)
    news = go(world, stream, 3.0)
    assert [each.what for each in news if each.what != "lost"] == ["latency", "back"]
    assert abs(news[-1].off_s) < 0.001 + BLOCK / RATE
    assert news[-1].seconds == pytest.approx(3.0, abs=1.0)
    assert abs(stream.memory.position - world.now_s * RATE - before) <= BLOCK + 0.001 * RATE


def test_what_was_planned_comes_back_in_phase_and_fades_in(
    world: FakeWorld, stream: Supervisor
) -> None:
    go(world, stream, 1.0)
    start = stream.memory.position
    steady = np.full(stream.memory.ring_samples // 4, 0.5, np.float32)
    stream.memory.write(1, start, steady)
    world.unplug()
    go(world, stream, 1.0)
    world.devices = (CARD,)
    news = go(world, stream, 2.5)
    back = next(each for each in news if each.what == "latency").position
    played = stream.memory.played(1, start, stream.memory.position - start)
    steps = np.abs(np.diff(played))
    assert steps[: back - start - BLOCK].max() == 0
    assert steps[back - start :].max() <= 0.5 / (0.2 * RATE) + 1e-6
    assert played[-1] == 0.5
    assert played[back - start :].min() < 0.05


def test_a_device_that_only_fell_silent_takes_over_again(
    world: FakeWorld, stream: Supervisor
) -> None:
    go(world, stream, 1.0)
    lease = fall_silent(world.links[0])
    news = go(world, stream, 0.6)
    assert [each.what for each in news] == ["lost"]
    speak(world, world.links[0], lease)
    news = go(world, stream, 2.0)
    assert [each.what for each in news] == ["latency", "back"]
    assert len(world.links) == 1 + 1  # the first, and the spare that its return asks for


def test_another_device_will_do_if_none_was_named_and_the_first_stays_away(
    world: FakeWorld, stream: Supervisor
) -> None:
    go(world, stream, 1.0)
    world.unplug()
    go(world, stream, 0.5)
    world.devices = (OTHER,)
    assert "back" not in [each.what for each in go(world, stream, OTHER_S - 1.0)]
    assert "back" in [each.what for each in go(world, stream, 4.0)]
    assert stream.device.name == "'other'"


def test_the_device_of_the_set_is_taken_again_after_another(
    world: FakeWorld, stream: Supervisor
) -> None:
    for devices in ((OTHER,), (OTHER, CARD)):
        go(world, stream, 1.0)
        world.unplug()
        world.devices = devices
        assert "back" in [each.what for each in go(world, stream, OTHER_S + 4.0)]
    assert stream.device.name == "'card'"


def test_a_device_that_gave_one_block_and_fell_silent_for_good_is_looked_for_again(
    world: FakeWorld, stream: Supervisor
) -> None:
    go(world, stream, 1.0)
    lease = fall_silent(world.links[0])
    go(world, stream, 0.6)
    speak(world, world.links[0], lease)  # a gasp
    world.sleep(BLOCK / RATE)
    fall_silent(world.links[0])
    stream.tick()
    assert stream.away
    assert "back" in [each.what for each in go(world, stream, 8.0)]


def test_whatever_goes_wrong_is_told_and_the_device_looked_for_again(
    world: FakeWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = iter([OSError("no more processes"), OSError("no more processes"), None])

    def tick(stream: Supervisor) -> None:
        if (error := next(looks)) is not None:
            raise error
        stream._stop.set()

    monkeypatch.setattr(Supervisor, "tick", tick)
    stream = Supervisor(1, Wanted(), BLOCK, world.open_link, world.clock, world.sleep)
    stream.drain()
    stream._run()
    assert [each.detail for each in stream.drain()] == ["'card': OSError (no more processes)"]
    stream.close()


def test_the_round_trip_is_measured_and_measured_anew(tmp_path) -> None:
    world = FakeWorld((CARD,), round_trip_samples=512)
    stream = Supervisor(1, Wanted(), BLOCK, world.open_link, world.clock, world.sleep)
    stream._run = lambda: None  # type: ignore[method-assign]
    stream.start()
    assert (stream.latency.samples, stream.latency.source) == (512, "measured")
    assert stream.performed.round_trip_samples == 512
    stream.drain()
    world.unplug()
    go(world, stream, 0.5)
    world.devices, world.round_trip_samples = (CARD,), 777
    news = go(world, stream, 3.5)
    assert (stream.latency.samples, stream.latency.source) == (777, "measured")
    assert any("777 samples, measured; it was 512" in each.detail for each in news)
    stream.close()


def test_what_is_not_there_is_an_error_at_once() -> None:
    with pytest.raises(NoDevice):
        Supervisor(1, Wanted(), BLOCK, FakeWorld(()).open_link)
    with pytest.raises(CompanionError, match="no input device 'Focusrite'"):
        Supervisor(1, Wanted("Focusrite"), BLOCK, FakeWorld((CARD,)).open_link)


def test_a_device_that_gives_no_blocks_is_named(world: FakeWorld) -> None:
    stream = Supervisor(1, Wanted(), BLOCK, world.open_link, world.clock, world.sleep)
    world.unplug()
    with pytest.raises(CompanionError, match="gives no sound"):
        stream.start()
    stream.close()


@pytest.mark.parametrize("channels", [1, 2])
def test_a_device_with_two_inputs_has_both_kept_and_a_lost_one_leaves_silence(
    channels: int,
) -> None:
    world = FakeWorld((replace(CARD, input_channels=channels),), round_trip_samples=BLOCK)
    made = Supervisor(1, Wanted(), BLOCK, world.open_link, world.clock, world.sleep)
    made._run = lambda: None  # type: ignore[method-assign]
    made.start()
    memory = made.memory
    assert memory.stereo == made.performed.stereo == (channels == 2)
    if memory.stereo:
        at = memory.position
        memory.write(1, at, np.full(RATE, 0.5, np.float32))
        go(world, made, 0.5)
        world.unplug()
        go(world, made, 1.0)
        (gap,) = made.performed.gaps
        lost = gap[0] + made.performed.round_trip_samples
        heard = memory.capture(at, memory.position - at)
        kept = memory.capture_stereo(at, memory.position - at)
        np.testing.assert_array_equal(kept, np.stack([heard, heard], axis=1))
        assert kept[: lost - at].any()
        assert not kept[lost - at :].any()
        assert len(kept) > lost - at + 2 * BLOCK
    made.close()
