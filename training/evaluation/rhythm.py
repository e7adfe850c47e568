"""Is a stem in time? Onsets against the beat grid and the context, beats against a tracker.

Each figure is precision, recall and F1 of two lists of times, matched one to one. Windows start
on a bar line of a known tempo, so the grid needs no estimate.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from model.grid import SAMPLE_RATE
from training.evaluation.fit import Audio, onset_times

GRID_TOLERANCE_S = 0.025
"""How far an onset may be from its line of the grid. At 120 BPM two fifths of all random times
are as near to a sixteenth, so precision has to be read against a random pair."""
ONSET_TOLERANCE_S = 0.025
"""How far an onset of the stem may be from one of the context: two onsets a listener fuses."""
BEAT_TOLERANCE_S = 0.070
"""How far a tracked beat may be from a true one, as beat trackers are compared (Davies, Degara
and Plumbley 2009)."""
EDGE_S = 0.05
"""Times this near to the start of a window do not count: an onset there cannot be told from the
cut."""
TRACKER_HOP = 512
"""Samples between frames of the beat tracker: 16 ms at 32 kHz."""

Times = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Agreement:
    """How two lists of times agree.

    Attributes:
        precision: share of the estimated times that have a partner, 0..1; 0 if there are none.
        recall: share of the reference times that have a partner, 0..1; 0 if there are none.
    """

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, 0..1; 0 where both are."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def matched(one: Times, other: Times, tolerance_s: float) -> int:
    """The most pairs that two lists of times [n], [m] in seconds can form.

    A pair is one time of each list, no farther apart than the tolerance; no time is in two pairs.
    """
    one, other = np.sort(one), np.sort(other)
    # In order of time, the earliest partner left is always as good a choice as any later one.
    i = j = pairs = 0
    while i < len(one) and j < len(other):
        distance = one[i] - other[j]
        if abs(distance) <= tolerance_s:
            pairs, i, j = pairs + 1, i + 1, j + 1
        elif distance < 0:
            i += 1
        else:
            j += 1
    return pairs


def agreement(estimated: Times, reference: Times, tolerance_s: float) -> Agreement:
    """Estimated times [n] against reference times [m], both in seconds."""
    pairs = matched(estimated, reference, tolerance_s)
    return Agreement(pairs / max(1, len(estimated)), pairs / max(1, len(reference)))


def grid_times(bpm: float, duration_s: float, divisions: int = 4) -> Times:
    """Lines of the grid in a window that starts on a beat, in seconds: [lines].

    Args:
        bpm: beats a minute.
        duration_s: length of the window.
        divisions: lines in a beat: 4 are sixteenths, 3 the triplets of a swung beat.
    """
    step_s = 60.0 / bpm / divisions
    # A line on the very end belongs to the next window, whatever the rounding says.
    return np.arange(int(np.ceil(duration_s / step_s - 1e-6)), dtype=np.float64) * step_s


def grid_agreement(stem: Audio, bpm: float, divisions: int = 4) -> Agreement:
    """Onsets of a stem [samples] against the grid (see `grid_times`) of its window.

    Precision says whether the stem is in time. Recall, and so F1, also asks how many lines are
    played on: a part in quarter notes reaches a recall of 1/4 and an F1 of 2/5 and no more.
    """
    lines = grid_times(bpm, len(stem) / SAMPLE_RATE, divisions)
    return agreement(_inside(onset_times(stem)), _inside(lines), GRID_TOLERANCE_S)


def context_agreement(stem: Audio, context: Audio) -> Agreement:
    """Onsets of a stem [samples] against those of its context [samples]."""
    own, heard = onset_times(stem), onset_times(context)
    return agreement(_inside(own), _inside(heard), ONSET_TOLERANCE_S)


def tracked_beats(audio: Audio) -> Times:
    """Beats that a tracker hears in mono audio [samples] at 32 kHz, in seconds: [beats].

    librosa's: dynamic programming over onset strength (Ellis, J. New Music Research 2007). It is
    not told the tempo.
    """
    if not audio.any():
        return np.zeros(0)
    # Here, since it compiles for half a minute the first time, and few commands track beats.
    from librosa.beat import beat_track

    _, beats = beat_track(y=audio, sr=SAMPLE_RATE, hop_length=TRACKER_HOP, units="time")
    return np.asarray(beats, np.float64)


def beat_agreement(audio: Audio, bpm: float) -> Agreement:
    """Tracked beats of a sound [samples] against the true ones of its window.

    For stem + context: drums in the context carry the beat whatever the stem does, so this tells
    right from wrong for a drum stem and hardly for others; the stem alone is then the better sound.
    """
    true = grid_times(bpm, len(audio) / SAMPLE_RATE, divisions=1)
    return agreement(_inside(tracked_beats(audio)), _inside(true), BEAT_TOLERANCE_S)


def _inside(times_s: Times) -> Times:
    return times_s[times_s >= EDGE_S]
