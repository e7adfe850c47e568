"""Does a stem fit a mix? Onsets on the grid, pitch classes in common.

Two plain figures that need no learned model, so that they can be read without trust: a stem made
for another song, and a real one, show what they are worth.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.signal import find_peaks, stft

from model.grid import SAMPLE_RATE

ONSET_HOP = 160
"""Samples between onset frames: 5 ms at 32 kHz."""
ONSET_FFT = 1024
"""Samples of an onset frame's spectrum: 32 ms."""
FLUX_LAG = 3
"""Onset frames between the two spectra that are compared."""
CHROMA_FFT = 8192
CHROMA_HOP = 1600
LOWEST_HZ, HIGHEST_HZ = 55.0, 2000.0
SOUNDING = 10 ** (-50 / 20)

Audio = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Fit:
    """How a stem fits a mix.

    Attributes:
        onsets: number of onsets found in the stem.
        sixteenth: vector strength of the onsets on the sixteenth grid, 0..1.
        eighth: the same on the eighth grid.
        chroma: mean cosine of the chroma of stem and mix, 0..1.
    """

    onsets: int
    sixteenth: float
    eighth: float
    chroma: float


def onset_times(audio: Audio) -> NDArray[np.float64]:
    """Onsets of mono audio [samples] at 32 kHz, in seconds: [onsets].

    Spectral flux with a maximum filter over frequency (SuperFlux: Boeck and Widmer, DAFx 2013),
    so that vibrato and distortion are no onsets; its peaks that stand one standard deviation
    above the local median, at least 50 ms apart.
    """
    flux = onset_flux(audio, ONSET_FFT, ONSET_HOP, FLUX_LAG)
    peaks, _ = find_peaks(flux, height=median_filter(flux, 101) + flux.std(), distance=10)
    # The flux is largest when the earlier window (32 ms) just misses the onset, 16 ms ahead of it;
    # the later one is 15 ms on, so its centre is the onset.
    return (peaks + FLUX_LAG) * ONSET_HOP / SAMPLE_RATE


def onset_flux(audio: Audio, fft: int, hop: int, lag: int) -> NDArray[np.float64]:
    """How far each frame of audio [samples] rises above that `lag` frames before: [frames - lag].

    A single zero for silence. Windows of `fft` samples, one each `hop`.
    """
    if not audio.any():
        return np.zeros(1)
    _, _, spectrum = stft(audio, SAMPLE_RATE, nperseg=fft, noverlap=fft - hop)
    magnitude = np.abs(spectrum)
    level = np.log1p(100 * magnitude / magnitude.max())
    widened = maximum_filter1d(level, 3, axis=0)
    return np.maximum(0.0, level[:, lag:] - widened[:, :-lag]).mean(0)


def vector_strength(times_s: NDArray[np.float64], period_s: float) -> float:
    """|mean exp(2 pi i t / p)| of times [n]: 1 when all share a phase of the grid, 0 at random."""
    if not len(times_s):
        return 0.0
    return min(1.0, float(np.abs(np.exp(2j * np.pi * times_s / period_s).mean())))


def chroma(audio: Audio) -> NDArray[np.float64]:
    """Energy of the twelve pitch classes, 55 Hz to 2 kHz: [12, frames], a frame each 50 ms."""
    frequencies, _, spectrum = stft(
        audio, SAMPLE_RATE, nperseg=CHROMA_FFT, noverlap=CHROMA_FFT - CHROMA_HOP
    )
    inside = (frequencies >= LOWEST_HZ) & (frequencies <= HIGHEST_HZ)
    pitch = 69 + 12 * np.log2(frequencies[inside] / 440.0)
    classes = np.round(pitch).astype(int) % 12
    # A semitone bin's weight falls with the distance from the pitch's centre.
    weight = np.cos(np.pi * (pitch - np.round(pitch)))
    folded = np.zeros((12, spectrum.shape[1]))
    np.add.at(folded, classes, weight[:, None] * np.abs(spectrum[inside]))
    return folded


def chroma_cosine(stem: Audio, mix: Audio) -> float:
    """Mean cosine of the chromas of two sounds [samples] where both sound; 0 if they never do."""
    one, other = chroma(stem), chroma(mix)
    frames = min(one.shape[1], other.shape[1])
    one, other = one[:, :frames], other[:, :frames]
    norms = np.linalg.norm(one, axis=0), np.linalg.norm(other, axis=0)
    both = (norms[0] > SOUNDING * norms[0].max()) & (norms[1] > SOUNDING * norms[1].max())
    both &= (norms[0] > 0) & (norms[1] > 0)
    if not both.any():
        return 0.0
    cosine = (one * other).sum(0)[both] / (norms[0] * norms[1])[both]
    return float(np.clip(cosine, 0.0, 1.0).mean())


def fit(stem: Audio, mix: Audio, bpm: float) -> Fit:
    """Every figure of a stem [samples] against a mix [samples] that starts on a bar line."""
    length = min(len(stem), len(mix))
    stem, mix = stem[:length], mix[:length]
    times = onset_times(stem)
    return Fit(
        len(times),
        vector_strength(times, 15.0 / bpm),
        vector_strength(times, 30.0 / bpm),
        chroma_cosine(stem, mix),
    )
