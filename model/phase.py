"""Audio from magnitudes alone: phases by integrating their gradient over time and frequency.

The phase of a short-time Fourier transform is fixed, up to a constant, by its magnitude: its
derivative along one axis is the log-magnitude's derivative along the other (for a Gaussian window;
for a Hann window with an equivalent width, nearly). The phase is integrated from the loudest bins
outwards, so that errors stay where nothing is heard (Prusa, Balazs, Sondergaard: "A noniterative
method for reconstruction of phase from STFT magnitude", 2017; the frame-by-frame order after Prusa
and Rajmic, 2017). A round or two of Griffin and Lim's iteration
follows, since magnitudes that a network made up belong to no signal.
"""

from __future__ import annotations

import heapq

import numpy as np
from numba import njit
from numpy.typing import NDArray

HANN_WIDTH = 0.25645
"""Width of the Gaussian that is closest to a Hann window, in squared window lengths."""
SILENT = -9.0
"""Log-magnitude, relative to the frame's loudest bin, below which a phase is random."""
FLOOR = 1e-7
REFINEMENTS = 2
"""Rounds of Griffin and Lim's iteration after the integration: magnitudes that a network made up
belong to no signal. Two bring 0.8 dB of log-mel distance, more bring nothing (measured)."""

Spectra = NDArray[np.float64]


def analyse(audio: NDArray[np.float32], size: int, hop: int) -> NDArray[np.complex128]:
    """STFT [frames, size/2+1] with a Hann window; phases refer to the window's centre.

    `frames = ceil(samples / hop)`; the first window is centred on the middle of the first hop.
    """
    frames = -(-len(audio) // hop)
    edge = (size - hop) // 2
    padded = np.pad(audio, (edge, edge + frames * hop - len(audio)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop][:frames]
    return np.fft.rfft(np.fft.ifftshift(windows * hann(size), axes=1), axis=1)


def synthesise(spectra: NDArray[np.complex128], size: int, hop: int) -> NDArray[np.float32]:
    """The inverse of `analyse`: audio [frames * hop]."""
    window = hann(size)
    frames = np.fft.fftshift(np.fft.irfft(spectra, size, axis=1), axes=1) * window
    count, parts = len(spectra), -(-size // hop)
    total = np.zeros((count + parts) * hop)
    weight = np.zeros_like(total)
    squared = window**2
    for part in range(parts):  # part p of every window lands p hops later
        piece = frames[:, part * hop : (part + 1) * hop]
        width = piece.shape[1]
        places = total[part * hop : (part + count) * hop].reshape(count, hop)
        places[:, :width] += piece
        shares = weight[part * hop : (part + count) * hop].reshape(count, hop)
        shares[:, :width] += squared[part * hop : part * hop + width]
    edge = (size - hop) // 2
    inner = slice(edge, edge + count * hop)
    audio: NDArray[np.float32] = (total[inner] / np.maximum(weight[inner], 1e-3)).astype(np.float32)
    return audio


def audio_of(
    magnitudes: NDArray[np.float32],
    size: int,
    hop: int,
    lead: NDArray[np.float32] | None = None,
) -> NDArray[np.float32]:
    """Magnitudes [frames, size/2+1] -> audio [frames * hop], float32.

    The same magnitudes give the same audio; it has no phase in common with what they came from.

    Args:
        lead: what the first frames sounded like before, [k * hop]: their phases are kept, so that
            the rest goes on from it without a seam.
    """
    spectra = magnitudes.astype(np.float64)
    level = np.log(spectra + FLOOR)
    given = np.zeros((0, spectra.shape[1]))
    if lead is not None:
        # A window reaches beyond its hop: the last ones would hear the end of the lead.
        beyond = -(-(size - hop) // 2 // hop)
        heard = analyse(lead, size, hop)
        given = np.angle(heard[: min(len(heard) - beyond, len(level))])
    phases = _integrate(level, *_gradients(level, size, hop), given)
    guess = spectra * np.exp(1j * phases)
    for _ in range(REFINEMENTS):
        heard = analyse(synthesise(guess, size, hop), size, hop)
        refined = spectra * heard / np.maximum(np.abs(heard), FLOOR)
        refined[: len(given)] = guess[: len(given)]
        guess = refined
    return synthesise(guess, size, hop)


def hann(size: int) -> Spectra:
    """The periodic Hann window [size]."""
    window: Spectra = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(size) / size)
    return window


def _gradients(level: Spectra, size: int, hop: int) -> tuple[Spectra, Spectra]:
    """Phase advance a frame and a bin, radians, from the log-magnitudes [frames, bins]."""
    width = HANN_WIDTH * size * size
    over_frequency, over_time = np.zeros_like(level), np.zeros_like(level)
    over_frequency[:, 1:-1] = (level[:, 2:] - level[:, :-2]) / 2
    over_time[1:-1] = (level[2:] - level[:-2]) / 2
    centre = 2 * np.pi * hop * np.arange(level.shape[1]) / size
    along_time = hop * size / width * over_frequency + centre
    along_frequency = -width / (hop * size) * over_time
    return along_time, along_frequency


@njit(cache=True)
def _integrate(level, along_time, along_frequency, given):  # type: ignore[no-untyped-def]  # pragma: no cover
    """Phases [frames, bins] by the heap: always on from the loudest bin that is known."""
    frames, bins = level.shape
    phases = np.zeros((frames, bins))
    phases[: len(given)] = given
    loudest = level.max()
    state = np.uint32(1)
    for n in range(len(given), frames):
        floor = max(level[n].max() + SILENT, loudest + SILENT - 3.0)
        known = np.zeros(bins, np.bool_)
        left = 0
        heap = [(0.0, 0, 0)]
        heap.pop()
        for m in range(bins):
            if level[n, m] > floor:
                left += 1
                if n > 0 and level[n - 1, m] > floor:
                    heapq.heappush(heap, (-level[n - 1, m], 0, m))
            else:
                known[m] = True
                state = np.uint32(state * np.uint32(1664525) + np.uint32(1013904223))
                phases[n, m] = 2 * np.pi * (state / 4294967296.0)
        while left > 0:
            if len(heap) == 0:  # an onset: begin anew at its loudest bin
                best = -1
                for m in range(bins):
                    if not known[m] and (best < 0 or level[n, m] > level[n, best]):
                        best = m
                known[best] = True
                left -= 1
                heapq.heappush(heap, (-level[n, best], 1, best))
                continue
            _, here, m = heapq.heappop(heap)
            if here == 0:
                if not known[m]:
                    advance = 0.5 * (along_time[n, m] + along_time[n - 1, m])
                    phases[n, m] = phases[n - 1, m] + advance
                    known[m] = True
                    left -= 1
                    heapq.heappush(heap, (-level[n, m], 1, m))
                continue
            for step in (-1, 1):
                k = m + step
                if 0 <= k < bins and not known[k]:
                    slope = 0.5 * (along_frequency[n, m] + along_frequency[n, k])
                    phases[n, k] = phases[n, m] + step * slope
                    known[k] = True
                    left -= 1
                    heapq.heappush(heap, (-level[n, k], 1, k))
    return phases
