"""How long it takes from the rig's output, through the world, back to its input.

A few quiet bursts of noise, each another, are added to the output and looked for in the input by
cross-correlation. A cable brings them back, or a microphone that hears the loudspeakers; where
nothing comes back, nothing is measured.

*Threading*: one thread at a time; it writes the memory's probe and reads its capture ring.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from companion.audio.memory import AudioMemory, Samples

BURSTS = 4
AGREEING = 3  # bursts that must tell the same
BURST_S, PAUSE_S = 0.085, 0.05
LEVEL = 0.05  # peak, -26 dBFS
LEAD_S = 0.1  # between asking for the bursts and the first
FIRST_LOOK_S = 0.25  # most round trips are shorter; then nobody waits for the longest
LONGEST_S = 1.0
LOW_HZ, HIGH = 200.0, 0.4  # band of the noise; the upper edge as a share of the rate
RATIO = 8.0  # least peak of the correlation over its root mean square; noise reaches 5
SPREAD_SAMPLES = 1
_SEED = 20_000


@dataclass(frozen=True, slots=True)
class Measured:
    """A round trip that was measured.

    Attributes:
        samples: from a sample's way out to its way in, at the memory's rate.
        confidence: share (0..1) of the bursts that told the same.
    """

    samples: int
    confidence: float


class RoundTrip:
    """One measurement: begins when it is made, ends when ``result`` is asked for late enough.

    Args:
        memory: the rig's; a stream must move it.
        level: peak of the bursts, linear.
    """

    def __init__(self, memory: AudioMemory, level: float = LEVEL) -> None:
        self._memory = memory
        rate = memory.rate
        self._bursts = [level * _burst(rate, number) for number in range(BURSTS)]
        self._step = round((BURST_S + PAUSE_S) * rate)
        self._start = memory.position + round(LEAD_S * rate)
        whole = np.zeros(self._step * BURSTS, np.float32)
        for number, burst in enumerate(self._bursts):
            whole[number * self._step :][: len(burst)] = burst
        memory.write_probe(self._start, whole)
        self._last = self._start + (BURSTS - 1) * self._step + len(self._bursts[-1])
        self._looked = False

    @property
    def over_samples(self) -> int:
        """From which position on ``result`` is final."""
        return self._last + round(LONGEST_S * self._memory.rate)

    def result(self) -> Measured | None:
        """What is known by now; None while nothing is, or if nothing came back.

        Raises:
            CompanionError: it was asked for too late, and the capture ring has moved on.
        """
        position, rate = self._memory.position, self._memory.rate
        if position >= self.over_samples:
            return self._find(LONGEST_S)
        if not self._looked and position >= self._last + round(FIRST_LOOK_S * rate):
            self._looked = True
            return self._find(FIRST_LOOK_S)
        return None

    def _find(self, longest_s: float) -> Measured | None:
        longest = round(longest_s * self._memory.rate)
        found: list[int] = []
        for number, burst in enumerate(self._bursts):
            heard = self._memory.capture(self._start + number * self._step, len(burst) + longest)
            lag = _lag(heard, burst)
            if lag is not None:
                found.append(lag)
        if not found:
            return None
        middle = int(np.median(found))
        agreeing = [lag for lag in found if abs(lag - middle) <= SPREAD_SAMPLES]
        if len(agreeing) < AGREEING:
            return None
        return Measured(int(np.median(agreeing)), len(agreeing) / BURSTS)


def measure(
    memory: AudioMemory, wait: Callable[[int], object], level: float = LEVEL
) -> Measured | None:
    """One measurement from begin to end; ``wait(sample)`` lets the stream reach a sample.

    None where nothing came back.
    """
    trip = RoundTrip(memory, level)
    step = round(0.05 * memory.rate)
    while True:
        wait(memory.position + step)
        over = memory.position >= trip.over_samples
        measured = trip.result()
        if measured is not None or over:
            return measured


def _burst(rate: int, number: int) -> Samples:
    """Noise within the band, peak 1, faded at both ends; the same for the same number."""
    n = round(BURST_S * rate)
    noise = np.random.default_rng(_SEED + number).standard_normal(n)
    spectrum = np.fft.rfft(noise)
    hertz = np.fft.rfftfreq(n, 1 / rate)
    spectrum[(hertz < LOW_HZ) | (hertz > HIGH * rate)] = 0
    spectrum /= np.maximum(np.abs(spectrum), 1e-9)  # as loud at every pitch: a sharp peak
    spectrum[(hertz < LOW_HZ) | (hertz > HIGH * rate)] = 0
    burst = np.fft.irfft(spectrum, n)
    ramp = np.sin(np.pi / 2 * (np.arange(n // 16) + 0.5) / (n // 16)) ** 2
    burst[: len(ramp)] *= ramp
    burst[-len(ramp) :] *= ramp[::-1]
    return (burst / np.abs(burst).max()).astype(np.float32)


def _lag(heard: Samples, burst: Samples) -> int | None:
    """Where the burst begins in what was heard, either way up; None if it does not stand out."""
    lags = len(heard) - len(burst) + 1
    correlation = np.abs(_correlate(heard, burst)[:lags])
    peak = int(np.argmax(correlation))
    level = float(np.sqrt(np.mean(correlation**2)))
    return peak if level > 0 and correlation[peak] >= RATIO * level else None


def _correlate(heard: Samples, burst: Samples) -> npt.NDArray[np.float64]:
    size = 1 << (len(heard) + len(burst) - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(burst, size))
    return np.fft.irfft(spectrum, size)
