"""Where something begins in the sound: the rise of its spectrum, 100 times a second.

*Threading*: belongs to one thread. Pure arithmetic.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS_PER_S = 100
WINDOW_S = 0.0213
BANDS = 32
LOW_HZ, HIGH_HZ = 40.0, 9000.0
BASS_HZ = 160.0
COMPRESSION = 1000.0
"""How much quiet sound counts beside loud: log(1 + 1000 x)."""
ONSET_S = 0.0065
"""How long before the middle of its window a row's rise is, seconds: it is compared with the one
20 ms before, and the beginning of a sound is seen before most of it is in."""
CHORD_WINDOWS, CHORD_EVERY = 4, 5
CHROMA_HZ = (130.0, 2100.0)
Rows = NDArray[np.float32]


class Onsets:
    """Turns sound into rows: how much all bands rise, how much the bass does, and 12 chroma.

    Chords need longer windows than onsets: theirs end where a row's does, and are taken every fifth
    row.

    Args:
        rate: samples a second; a multiple of 50.
    """

    def __init__(self, rate: int) -> None:
        self.step_samples = rate // STEPS_PER_S
        size = self._window = 2 * (round(WINDOW_S * rate) // 2)
        long = self._chord_window = CHORD_WINDOWS * size
        self._taper, self._chord_taper = (np.hanning(n).astype(np.float32) for n in (size, long))
        self._bands = _bands(np.fft.rfftfreq(size, 1 / rate))
        self._bass = np.geomspace(LOW_HZ, HIGH_HZ, BANDS + 2)[1:-1] < BASS_HZ
        self._chroma = _chroma(np.fft.rfftfreq(long, 1 / rate))

    @property
    def last_onset_samples(self) -> int:
        """How long before the end of the sound the last row's onset is, samples."""
        return self._window // 2 + round(ONSET_S * self.step_samples * STEPS_PER_S)

    def samples_of(self, rows: int) -> int:
        """How much sound so many rows need; the next rows' begins as many steps later."""
        return (rows - 1) * self.step_samples + self._chord_window

    def rows(self, sound: NDArray[np.float32]) -> Rows:
        """As many rows as a stretch of sound has, float32 [n, 14]."""
        step, size, long = self.step_samples, self._window, self._chord_window
        count = (len(sound) - long) // step + 1
        first = long - size - 2 * step  # each row is compared with the one two before
        frames = np.stack([sound[first + n * step :][:size] for n in range(count + 2)])
        spectra = np.abs(np.fft.rfft(frames * self._taper, axis=1)).astype(np.float32)
        levels = np.log1p(COMPRESSION * 2 / size * (spectra @ self._bands))
        rise = np.maximum(0.0, levels[2:] - levels[:-2])
        chords = np.stack([sound[n * step :][:long] for n in range(0, count, CHORD_EVERY)])
        power = np.abs(np.fft.rfft(chords * self._chord_taper, axis=1)).astype(np.float32) ** 2
        chroma = np.repeat(power @ self._chroma, CHORD_EVERY, axis=0)[:count]
        rows = [rise.mean(axis=1), rise[:, self._bass].mean(axis=1), *chroma.T]
        return np.stack(rows, axis=1).astype(np.float32)


def _bands(hz: NDArray[np.floating]) -> Rows:
    """Triangles, evenly spaced in pitch, each at least a bin wide; float32 [bins, bands]."""
    edges = np.geomspace(LOW_HZ, HIGH_HZ, BANDS + 2)
    weights = np.zeros((len(hz), BANDS), np.float32)
    for band in range(BANDS):
        low, centre, high = edges[band : band + 3]
        up, down = (hz - low) / (centre - low), (high - hz) / (high - centre)
        weights[:, band] = np.maximum(0.0, np.minimum(up, down))
        weights[np.argmin(np.abs(hz - centre)), band] += 1e-3 if weights[:, band].any() else 1.0
    return weights


def _chroma(hz: NDArray[np.floating]) -> Rows:
    """Which pitch class a bin is of, float32 [bins, 12]."""
    weights = np.zeros((len(hz), 12), np.float32)
    heard = np.flatnonzero((hz >= CHROMA_HZ[0]) & (hz <= CHROMA_HZ[1]))
    classes = np.round(12 * np.log2(hz[heard] / 440.0)).astype(int) % 12
    weights[heard, classes] = 1.0
    return weights
