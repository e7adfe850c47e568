"""A simulated master: exact tick times of a tempo curve, and what jitter and JACK make of them."""

from __future__ import annotations

import numpy as np
from hypothesis import Phase
from numpy.typing import NDArray

from companion.clock.host_time import HostTime

Times = NDArray[np.float64]
UNSHRUNK = (Phase.explicit, Phase.reuse, Phase.generate)
"""For tests that take a while: a seed that fails is no better for being smaller."""
RATE = 48_000
BAR_TICKS = 96
JACK_PERIOD_S = 256 / RATE
START_S = 1000.0


def constant(bpm: float, bars: float) -> NDArray[np.float64]:
    """The tempo of each tick, bars of 4/4 long."""
    return np.full(round(bars * BAR_TICKS), float(bpm))


def ramp(first: float, last: float, bars: float) -> NDArray[np.float64]:
    """From one tempo to another."""
    return np.linspace(first, last, round(bars * BAR_TICKS))


def tick_times(*tempi: NDArray[np.float64], start_s: float = START_S) -> Times:
    """When each tick is due, the first at the start."""
    lengths = 60 / np.concatenate(tempi) / 24
    return start_s + np.concatenate([[0.0], np.cumsum(lengths)])


def jittered(times: Times, seed: int, sigma_s: float = 2e-3, period_s: float = 0.0) -> Times:
    """When they arrive: normal jitter, then at the end of the JACK period, if there is one.

    That is half a period late on average, which is latency and not jitter; it is taken off.
    """
    dice = np.random.default_rng(seed)
    late = times + dice.normal(0.0, sigma_s, len(times))
    if period_s:
        late = (np.ceil(late / period_s) - 0.5) * period_s
    return np.maximum.accumulate(late)


def exact_host_time(rate: int = RATE, zero_s: float = 0.0) -> HostTime:
    """A stream that was at sample 0 at a monotonic time and has exactly its rate since."""
    host_time = HostTime(rate)
    for time_s in (zero_s, zero_s + 1):
        host_time.observe(time_s, round((time_s - zero_s) * rate))
    return host_time
