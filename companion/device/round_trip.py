"""How long it takes from the rig's output, through the world, back to its input.

A few quiet bursts of noise, each another, are added to the output and looked for in the input by
cross-correlation. A cable brings them back, or a microphone that hears the loudspeakers; where
nothing comes back, nothing is measured.

*Threading*: one thread at a time; it writes the memory's probe and reads its capture ring.
"""

from __future__ import annotations

import numpy as np

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


class RoundTrip:
    """One measurement: begins when it is made, ends when `over` is asked late enough.

    Args:
        memory: the rig's; a stream must move it.

    Attributes:
        samples: from a sample's way out to its way in, once it is over; None: nothing came back.
    """

    def __init__(self, memory: AudioMemory) -> None:
        self.samples: int | None = None
        self._memory, rate = memory, memory.rate
        self._bursts = [LEVEL * _burst(rate, number) for number in range(BURSTS)]
        self._step = round((BURST_S + PAUSE_S) * rate)
        self._start = memory.position + round(LEAD_S * rate)
        whole = np.zeros(self._step * BURSTS, np.float32)
        for number, burst in enumerate(self._bursts):
            whole[number * self._step :][: len(burst)] = burst
        memory.write_probe(self._start, whole)
        self._last = self._start + (BURSTS - 1) * self._step + len(self._bursts[-1])
        self._looks_s = [FIRST_LOOK_S, LONGEST_S]  # round trips to look for, when they are over

    def over(self) -> bool:
        """Whether it is known by now what came back.

        Raises:
            CompanionError: it was asked too late, and the capture ring has moved on.
        """
        behind_s = (self._memory.position - self._last) / self._memory.rate
        while self.samples is None and self._looks_s and behind_s >= self._looks_s[0]:
            self.samples = self._find(self._looks_s.pop(0))
        return self.samples is not None or not self._looks_s

    def _find(self, longest_s: float) -> int | None:
        longest = round(longest_s * self._memory.rate)
        found: list[int] = []
        for number, burst in enumerate(self._bursts):
            heard = self._memory.capture(self._start + number * self._step, len(burst) + longest)
            lag = _lag(heard, burst)
            if lag is not None:
                found.append(lag)
        middle = int(np.median(found)) if found else 0
        agreeing = [lag for lag in found if abs(lag - middle) <= SPREAD_SAMPLES]
        return int(np.median(agreeing)) if len(agreeing) >= AGREEING else None


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
    size = 1 << (len(heard) + len(burst) - 1).bit_length()
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(burst, size))
    correlation = np.abs(np.fft.irfft(spectrum, size)[:lags])
    peak = int(np.argmax(correlation))
    level = float(np.sqrt(np.mean(correlation**2)))
    return peak if level > 0 and correlation[peak] >= RATIO * level else None
