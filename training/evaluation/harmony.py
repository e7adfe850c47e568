"""Does a pitched stem fit the chords? Notes in the chord that sounds, chroma beat by beat.

For pitched stems only: a drum kit has no note to judge. The notes come from
`training.evaluation.notes`, the chords from the song's chart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from model.grid import SAMPLE_RATE
from training.evaluation.chart import TimedChord
from training.evaluation.fit import CHROMA_FFT, CHROMA_HOP, SOUNDING, Audio, chroma
from training.evaluation.notes import PitchedNote


def share_in_chord(notes: Sequence[PitchedNote], chords: Sequence[TimedChord]) -> float:
    """Share of the notes that is in the chord that sounds, 0..1; NaN if no note sounds.

    By time: each note counts for as long as it lasts, chord by chord. So a note that rings into
    a chord it is not in counts in part, and one that the estimator heard in two pieces counts as
    one. Notes drawn at random are in a triad a quarter of the time.
    """
    inside = total = 0.0
    for note in notes:
        for timed in chords:
            both_s = min(note.end_s, timed.end_s) - max(note.start_s, timed.start_s)
            if both_s > 0:
                total += both_s
                inside += both_s * (note.pitch % 12 in timed.chord.pitch_classes)
    return inside / total if total else float("nan")


def beat_chroma(audio: Audio, bpm: float) -> NDArray[np.float64]:
    """Chroma of each whole beat of a window [samples] that starts on one: [beats, 12].

    Mean of the chroma's frames (see `fit.chroma`) that hear nothing but the beat, so up to 180 BPM;
    a beat quieter than 50 dB below the loudest is all zero.
    """
    count = int(len(audio) / SAMPLE_RATE * bpm / 60.0 + 1e-6)
    beats = np.zeros((count, 12))
    if not count:
        return beats
    frames = chroma(audio)
    centres_s = np.arange(frames.shape[1]) * CHROMA_HOP / SAMPLE_RATE
    half_s = CHROMA_FFT / 2 / SAMPLE_RATE
    for beat in range(count):
        start_s, end_s = beat * 60.0 / bpm + half_s, (beat + 1) * 60.0 / bpm - half_s
        inside = (centres_s >= start_s) & (centres_s <= end_s)
        if inside.any():
            beats[beat] = frames[:, inside].mean(1)
    levels = beats.sum(1)
    beats[levels <= SOUNDING * levels.max()] = 0.0
    return beats


def chroma_agreement(stem: Audio, context: Audio, bpm: float) -> float:
    """Mean correlation, -1..1, of the chromas of two windows [samples], beat by beat.

    The correlation over the twelve pitch classes, not the cosine: what sounds in all of them
    alike, noise above all, agrees with nothing. Beats in which one of the two is silent do not
    count; NaN if there is no other. Leave the drums out of the context.
    """
    one, other = beat_chroma(stem, bpm), beat_chroma(context, bpm)
    count = min(len(one), len(other))
    one, other = (c[:count] - c[:count].mean(1, keepdims=True) for c in (one, other))
    norms = np.linalg.norm(one, axis=1) * np.linalg.norm(other, axis=1)
    both = norms > 0
    if not both.any():
        return float("nan")
    return float(np.clip((one * other).sum(1)[both] / norms[both], -1.0, 1.0).mean())
