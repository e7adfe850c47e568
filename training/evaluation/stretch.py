"""Another tempo or another key for a stem that was not made for it."""

from __future__ import annotations

import numpy as np
from python_stretch.Signalsmith import Stretch

from model.grid import SAMPLE_RATE
from training.evaluation.fit import Audio


def stretched(audio: Audio, speed: float, semitones: int = 0) -> Audio:
    """Mono audio [samples] at 32 kHz so many times as fast and so much higher: [samples / speed].

    Signalsmith Stretch; onsets come out within some milliseconds.
    """
    if speed == 1.0 and not semitones:
        return audio
    stretch = Stretch()
    stretch.preset(1, SAMPLE_RATE)
    stretch.setTimeFactor(speed)
    stretch.setTransposeSemitones(semitones)
    made: Audio = np.asarray(stretch.process(np.ascontiguousarray(audio[None])), np.float32)[0]
    wanted = round(len(audio) / speed)
    return np.pad(made, (0, max(0, wanted - len(made))))[:wanted]
