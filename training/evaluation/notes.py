"""The notes of a pitched stem, as a transcription network hears them.

Basic Pitch (Bittner et al., ICASSP 2022), Apache-2.0, run from the ONNX file inside its Python
package; none of the package's code runs, and it needs none of the package's requirements.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import soxr
from numpy.typing import NDArray

from model.grid import SAMPLE_RATE
from training.errors import TrainingError
from training.evaluation.fit import Audio

if TYPE_CHECKING:
    import onnxruntime

PACKAGE = "basic-pitch==0.4.0"
RATE = 22_050
"""Sample rate the network hears, Hz."""
HOP = 256
WINDOW = 43_844
"""Samples the network takes at once, about two seconds; it answers with 172 frames."""
KEPT_FRAMES = 140
EDGE_FRAMES = 16
"""Frames dropped at each end of a window, where the network sees too little."""
LOWEST_PITCH = 21
"""MIDI pitch of the first of the 88 columns."""
ONSET_AT_LEAST = 0.5
FRAME_AT_LEAST = 0.3
"""Posteriors from which a note starts, and down to which it goes on."""
BRIDGED_FRAMES = 11
MIN_FRAMES = 5
"""A note may dip for so long (128 ms); it lasts at least so long (58 ms)."""


@dataclass(frozen=True, slots=True)
class PitchedNote:
    """A note: MIDI pitch 21..108, start and end in seconds from the start of the window."""

    start_s: float
    end_s: float
    pitch: int


def find_notes(audio: Audio) -> tuple[PitchedNote, ...]:
    """Notes of mono audio [samples] at 32 kHz, by start and pitch; silence has none.

    Raises:
        TrainingError: the network is not installed.
    """
    if not audio.any():
        return ()
    frames, onsets = posteriors(audio)
    notes = []
    for pitch in range(frames.shape[1]):
        notes += _notes_of(frames[:, pitch], onsets[:, pitch], LOWEST_PITCH + pitch)
    return tuple(sorted(notes, key=lambda note: (note.start_s, note.pitch)))


def posteriors(audio: Audio) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How surely a pitch sounds, and starts, in mono audio [samples] at 32 kHz.

    Returns:
        Two arrays [frames, 88], 0..1, a frame each 256/22050 s; column 0 is MIDI pitch 21.
    """
    heard = soxr.resample(audio, SAMPLE_RATE, RATE).astype(np.float32)
    step = KEPT_FRAMES * HOP
    windows = max(1, -(-len(heard) // step))
    padded = np.zeros(EDGE_FRAMES * HOP + (windows - 1) * step + WINDOW, np.float32)
    room = len(padded) - EDGE_FRAMES * HOP
    padded[EDGE_FRAMES * HOP :][: min(room, len(heard))] = heard[:room]
    cut = np.stack([padded[n * step : n * step + WINDOW] for n in range(windows)])
    session = _session()
    (name,) = [node.name for node in session.get_inputs()]
    # The graph names its outputs by number only: 1 is the note, 2 its onset.
    wanted = ["StatefulPartitionedCall:1", "StatefulPartitionedCall:2"]
    answers = [session.run(wanted, {name: window[None, :, None]}) for window in cut]
    kept = slice(EDGE_FRAMES, EDGE_FRAMES + KEPT_FRAMES)
    frames, onsets = (np.concatenate([a[n][0, kept] for a in answers]) for n in (0, 1))
    count = -(-len(heard) // HOP)
    return frames[:count], onsets[:count]


def _notes_of(
    frames: NDArray[np.float32], onsets: NDArray[np.float32], pitch: int
) -> list[PitchedNote]:
    """Notes of one pitch: from each peak of its onsets until it has faded or starts anew."""
    before, after = np.append(0.0, onsets[:-1]), np.append(onsets[1:], 0.0)
    peaks = np.flatnonzero((onsets >= ONSET_AT_LEAST) & (onsets > before) & (onsets >= after))
    notes = []
    ends = np.append(peaks, len(frames))[1:]
    for start, limit in zip(peaks, ends, strict=True):
        sounding = np.flatnonzero(frames[start:limit] >= FRAME_AT_LEAST)
        if not len(sounding):
            continue
        gaps = np.flatnonzero(np.diff(sounding) > BRIDGED_FRAMES)
        end = start + 1 + int(sounding[gaps[0]] if len(gaps) else sounding[-1])
        if end - start >= MIN_FRAMES:
            notes.append(PitchedNote(float(start * HOP / RATE), float(end * HOP / RATE), pitch))
    return notes


@lru_cache(maxsize=1)
def _session() -> onnxruntime.InferenceSession:
    import onnxruntime  # of the extra, and help is to do without

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    return onnxruntime.InferenceSession(
        str(_network_file()), options, providers=["CPUExecutionProvider"]
    )


def _network_file() -> Path:
    """Where the network lies in the installed package, which is looked up and not imported."""
    package = find_spec("basic_pitch")
    for folder in (package.submodule_search_locations or ()) if package else ():
        file = Path(folder) / "saved_models" / "icassp_2022" / "nmp.onnx"
        if file.is_file():
            return file
    raise TrainingError(f"the pitch network is not installed: pip install --no-deps {PACKAGE}")
