"""Eleven musical descriptors of a piece of music, by open estimators.

The names are those of StemGen's MIRDD (arXiv 2312.08723); its estimators are not public, so these
are ours, and so are the readings where a name leaves one open.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray
from scipy.signal import istft, stft

from model.grid import SAMPLE_RATE
from model.ties import ROUNDING, all_alike, first_best
from training.evaluation.fit import CHROMA_FFT, CHROMA_HOP, Audio, chroma, onset_times
from training.evaluation.key import KEYS, estimate_key, pitch_class_times
from training.evaluation.notes import find_notes
from training.evaluation.rhythm import Times, tracked_beats

DENSITY_WINDOW_S = 0.6
METRES = (2, 3, 4, 5, 6, 7)
"""Beats a bar that are told apart."""
SAME_BAR = 0.9
"""Cosine of the chromas of two bars from which they are one label of the structure."""
STRUCTURE_LABELS = 8
"""Labels that are told apart; a piece with more calls the others by the last."""

BINS: dict[str, int] = {
    "key signature": KEYS,
    "note pitch range": 88,
    "unique pitch classes": 13,
    "maximum percussive density": 16,
    "beats per bar": max(METRES) + 1,
    "chord-label variety": 25,
    "major/minor ratio": 11,
    "note pitches": 128,
    "pitch classes": 12,
    "chord triads": 24,
    "structure labels": STRUCTURE_LABELS,
}
"""Values that each descriptor can have: 0 to one less than the number."""

Descriptors = dict[str, list[int]]


def describe(audio: Audio) -> Descriptors:
    """Values of each descriptor of `BINS` for mono audio [samples] at 32 kHz.

    One value for the whole, but for the last four, which have one a note, a note, a beat and a
    bar. Nothing to estimate from (no note, no beat) is no value.

    - key signature: the key of the notes (see `estimate_key`).
    - note pitch range: semitones from the lowest note to the highest.
    - maximum percussive density: most onsets of the percussive half in any 0.6 s.
    - beats per bar: the metre whose bars repeat best in the strength of the beats.
    - chord-label variety: how many triads are heard, one a beat.
    - major/minor ratio: share of the beats whose triad is minor, in tenths.
    - structure labels: bars by their chroma; like bars have one label, in order of appearance.
    """
    notes = find_notes(audio)
    pitches = [note.pitch for note in notes]
    classes = [pitch % 12 for pitch in pitches]
    key = estimate_key(pitch_class_times(notes))
    percussive = percussive_onsets(audio)
    beats = tracked_beats(audio)
    spans = _beat_chroma(audio, beats)
    triads = [triad for triad in map(nearest_triad, spans) if triad is not None]
    metre = beats_per_bar(audio, beats)
    values: Descriptors = {
        "key signature": [] if key is None else [key],
        "note pitch range": [max(pitches) - min(pitches)] if pitches else [],
        "unique pitch classes": [len(set(classes))],
        "maximum percussive density": [most_within(percussive, DENSITY_WINDOW_S)],
        "beats per bar": [] if metre is None else [metre],
        "chord-label variety": [len(set(triads))],
        "major/minor ratio": [_tenths([t >= 12 for t in triads])] if triads else [],
        "note pitches": pitches,
        "pitch classes": classes,
        "chord triads": triads,
        "structure labels": bar_labels(spans, metre or 4),
    }
    return {name: [min(v, BINS[name] - 1) for v in found] for name, found in values.items()}


def percussive_onsets(audio: Audio) -> Times:
    """Onsets of the percussive half of mono audio [samples] at 32 kHz, in seconds: [onsets].

    The halves are those of median filtering (Fitzgerald, DAFx 2010).
    """
    if not audio.any():
        return np.zeros(0)
    from librosa.decompose import hpss  # here, as `rhythm.tracked_beats` says

    _, _, spectrum = stft(audio, SAMPLE_RATE, nperseg=1024, noverlap=768)
    _, percussive = hpss(spectrum)
    _, sound = istft(percussive, SAMPLE_RATE, nperseg=1024, noverlap=768)
    return onset_times(sound.astype(np.float32))


def most_within(times_s: Times, window_s: float) -> int:
    """The most of some sorted times [n] that lie in any window so long; its end is not in it."""
    ends = np.searchsorted(times_s, times_s + window_s, side="left")
    return int((ends - np.arange(len(times_s))).max(initial=0))


def nearest_triad(weights: NDArray[np.float64]) -> int | None:
    """The triad whose notes have the most of a chroma [12]: 0..11 major, 12..23 minor, C first.

    None for a chroma without any difference; the first of triads that have as much.
    """
    if all_alike(weights):
        return None
    shapes = [[(k + step) % 12 for step in (0, third, 7)] for third in (4, 3) for k in range(12)]
    return first_best(weights[np.array(shapes)].sum(1))


def beats_per_bar(audio: Audio, beats_s: Times) -> int | None:
    """The metre of `METRES` of mono audio [samples] at 32 kHz with beats [n] at these seconds.

    The one at whose distance the strengths of the beats (energy below 150 Hz, and rise of the
    whole) are most alike. None if there are fewer than two bars of the longest.
    """
    if len(beats_s) < 2 * max(METRES):
        return None
    half = SAMPLE_RATE // 20
    rows = []
    for beat_s in beats_s:
        at = round(beat_s * SAMPLE_RATE)
        after, before = audio[at : at + 2 * half], audio[max(0, at - half) : at]
        energy = np.abs(np.fft.rfft(after, 2 * half)) ** 2
        low = energy[: round(150 * 2 * half / SAMPLE_RATE)].sum()
        rise = float((after**2).sum()) / (float((before**2).sum()) + 1e-6)
        rows.append((np.log1p(low), np.log1p(rise)))
    strengths = np.array(rows)
    strengths = (strengths - strengths.mean(0)) / (strengths.std(0) + 1e-9)
    alike = [float((strengths[m:] * strengths[:-m]).sum(1).mean()) for m in METRES]
    # A bar repeats at twice its length just as well: the shorter of equals is the bar.
    best = max(alike)
    return METRES[next(at for at, value in enumerate(alike) if value >= best - 0.05 * abs(best))]


def bar_labels(spans: NDArray[np.float64], metre: int) -> list[int]:
    """Labels 0, 1, ... of the whole bars of so many beats, from their chromas [beats, 12].

    A bar has the label of the most similar bar before it, if that is similar enough, else a new
    one.
    """
    count = len(spans) // metre
    bars = spans[: count * metre].reshape(count, metre * 12)
    bars = bars / np.maximum(1e-12, np.linalg.norm(bars, axis=1, keepdims=True))
    labels: list[int] = []
    for at, bar in enumerate(bars):
        like = bars[:at] @ bar
        if at and like.max() >= SAME_BAR - ROUNDING:
            labels.append(labels[first_best(like, 1.0)])
        else:
            labels.append(max(labels, default=-1) + 1)
    return labels


def _beat_chroma(audio: Audio, beats_s: Times) -> NDArray[np.float64]:
    """Mean chroma between one tracked beat and the next: [beats - 1, 12]."""
    if len(beats_s) < 2 or len(audio) < CHROMA_FFT:
        return np.zeros((0, 12))
    frames = chroma(audio)
    edges = np.round(beats_s * SAMPLE_RATE / CHROMA_HOP).astype(int)
    pairs = pairwise(edges)
    return np.array([frames[:, a : max(a + 1, b)].mean(1) for a, b in pairs])


def _tenths(flags: list[bool]) -> int:
    return round(10 * sum(flags) / len(flags))
