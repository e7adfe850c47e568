"""What of a sound a codec keeps: its notes, its level, its onsets, and how it sounds to a listener.

A mel spectrogram is too coarse for all of these: it hardly moves when a note is lost, when a stem
comes back at half its level, or when a drum is heard before it is hit.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray
from scipy.ndimage import maximum_filter1d, median_filter
from scipy.signal import find_peaks

from model.grid import SAMPLE_RATE
from training.evaluation.fit import Audio, onset_flux
from training.evaluation.notes import PitchedNote
from training.evaluation.rhythm import agreement, matched

if TYPE_CHECKING:
    import zimtohrli

NOTE_TOLERANCE_S = 0.05
"""How far the start of a note may move, as transcriptions are compared (MIREX)."""
ONSET_TOLERANCE_S = 0.01
"""How far the onset of a drum may move: a third of what a listener takes for a flam."""
ONSET_HOP = 80
"""Samples between onset frames: 2.5 ms at 32 kHz."""
ONSET_FFT = 256
"""Samples of an onset frame's spectrum: 8 ms."""
ONSET_LAG = 4
"""Onset frames between the two spectra that are compared."""
ONSET_DISTANCE = 16
"""Onset frames that lie between two onsets at least: 40 ms."""
BEFORE_S = 0.08
"""Stretch before an onset that is looked at for sound that is not there in the original."""
ATTACK_S = 0.03
"""Stretch from an onset on in which its peak lies."""
ENVELOPE = 16
"""Samples of one point of the envelope: .5 ms."""
BEATING = 21
"""Points of the envelope, 10 ms, over which its loudest is taken."""
DOWN = 10 ** (-20 / 20)
"""20 dB below an onset's peak, where its sound is said to begin."""
SILENCE = 1e-12
"""Power below which a level is not told apart from silence (-120 dBFS)."""
LISTENER_RATE = 48_000
"""Sample rate that the listener's stand-in hears, Hz."""


def notes_kept(original: Sequence[PitchedNote], coded: Sequence[PitchedNote]) -> float:
    """F1 of the notes heard after and before coding, 0..1: same pitch, start within 50 ms.

    Without a note on either side nothing is lost: 1.
    """
    if not original and not coded:
        return 1.0
    pairs = sum(
        matched(_starts(original, pitch), _starts(coded, pitch), NOTE_TOLERANCE_S)
        for pitch in {note.pitch for note in original}
    )
    return 2 * pairs / (len(original) + len(coded))


def level_error_db(original: Audio, coded: Audio) -> float:
    """How much louder (or, below 0, quieter) a sound [samples] came back as a whole, dB."""

    def power(audio: Audio) -> float:
        return float(np.square(audio, dtype=np.float64).mean()) + SILENCE

    return float(10 * np.log10(power(coded) / power(original)))


def drum_onsets(audio: Audio) -> NDArray[np.float64]:
    """Onsets of a drum stem [samples] at 32 kHz, in seconds, to 2.5 ms: [onsets].

    Spectral flux as in `fit.onset_times`, over shorter windows, so that two onsets 10 ms apart are
    not the same.
    """
    flux = onset_flux(audio, ONSET_FFT, ONSET_HOP, ONSET_LAG)
    floor = median_filter(flux, 2 * ONSET_DISTANCE * 6 + 1) + flux.std()
    peaks, _ = find_peaks(flux, height=floor, distance=ONSET_DISTANCE)
    # The flux is largest when the later window is full of the onset and the earlier one free of it.
    return (peaks + ONSET_LAG / 2) * ONSET_HOP / SAMPLE_RATE


def onsets_kept(original: Audio, coded: Audio) -> float:
    """F1 of the onsets of a drum stem [samples] after and before coding, within 10 ms, 0..1."""
    before, after = drum_onsets(original), drum_onsets(coded)
    if not len(before) and not len(after):
        return 1.0
    return agreement(after, before, ONSET_TOLERANCE_S).f1


def early_s(original: Audio, coded: Audio) -> NDArray[np.float64]:
    """How much earlier each onset of a drum stem [samples] begins to sound after coding, s: [n].

    An onset begins where its envelope comes within 20 dB of its peak. Only onsets are taken before
    which the original is quieter than that; 0 is as in the original, below 0 is late.
    """
    envelopes = [_envelope(audio) for audio in (original, coded)]
    points_s = SAMPLE_RATE / ENVELOPE
    before, attack = round(BEFORE_S * points_s), round(ATTACK_S * points_s)
    found = []
    for onset_s in drum_onsets(original):
        at = round(onset_s * points_s)
        if at < before or at + attack > min(map(len, envelopes)):
            continue
        starts = [_start(envelope[at - before : at + attack], before) for envelope in envelopes]
        if starts[0] > 0:  # quiet all the way before it, so that the onset stands alone
            found.append((starts[0] - starts[1]) / points_s)
    return np.array(found)


def listener_score(original: Audio, coded: Audio) -> float:
    """How near two sounds [samples] at 32 kHz are to a listener: 1 (bad) to 5 (the same).

    Zimtohrli (Alakuijala et al., 2024), Apache-2.0: a model of hearing whose distance is mapped to
    mean opinion scores.
    """
    from zimtohrli import mos_from_zimtohrli  # of the extra, and help is to do without

    heard = [soxr.resample(audio, SAMPLE_RATE, LISTENER_RATE) for audio in (original, coded)]
    distance = _listener().distance(*(audio.astype(np.float32) for audio in heard))
    return float(mos_from_zimtohrli(distance))


def _starts(notes: Sequence[PitchedNote], pitch: int) -> NDArray[np.float64]:
    return np.array([note.start_s for note in notes if note.pitch == pitch], np.float64)


def _envelope(audio: Audio) -> NDArray[np.float32]:
    """Loudest sample around each .5 ms: [samples / 16]."""
    whole = len(audio) // ENVELOPE * ENVELOPE
    peaks = np.abs(audio[:whole]).reshape(-1, ENVELOPE).max(1)
    # A bass drum passes through zero every 10 ms: that is no silence.
    return maximum_filter1d(peaks, BEATING)


def _start(envelope: NDArray[np.float32], onset: int) -> int:
    """The first point of a stretch [points] that is within 20 dB of the peak from `onset` on."""
    return int(np.argmax(envelope >= DOWN * envelope[onset:].max()))


@lru_cache(maxsize=1)
def _listener() -> zimtohrli.Pyohrli:
    import zimtohrli

    return zimtohrli.Pyohrli()
