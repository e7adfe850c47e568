"""The rhythm of a device's calls, however it calls."""

from __future__ import annotations

import pytest

from companion.device.handover import Rhythm

RATE = 48_000


class Device:
    """A lease that is called `at_once` times every `period_s`, and a clock that sleeping moves."""

    def __init__(self, period_s: float, at_once: int = 1) -> None:
        self.now_s, self._period_s, self._at_once = 0.0, period_s, at_once

    @property
    def calls(self) -> int:
        return int(self.now_s / self._period_s + 1e-9) * self._at_once

    def clock(self) -> float:
        return self.now_s

    def sleep(self, seconds: float) -> None:
        self.now_s += seconds

    def rhythm(self, block: int) -> Rhythm:
        rhythm = Rhythm(self, block, RATE, self.clock, self.sleep)  # type: ignore[arg-type]
        rhythm.learn()
        return rhythm


@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_calls_at_once_are_one_period(at_once: int) -> None:
    rhythm = Device(1024 / RATE, at_once).rhythm(1024 // at_once)
    assert rhythm.period_samples == 1024


@pytest.mark.parametrize("block", [16, 32, 64])
def test_a_device_that_calls_at_every_look_is_not_waited_for_for_ever(block: int) -> None:
    device = Device(block / RATE)
    rhythm = device.rhythm(block)
    assert device.now_s < 0.4
    assert rhythm.period_samples <= 0.01 * RATE


def test_a_device_that_does_not_call_is_given_up_in_time() -> None:
    device = Device(100.0)
    assert not device.rhythm(256).wait(1.0)
    assert 1.0 <= device.now_s < 1.1
