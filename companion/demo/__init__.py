"""The recording that plays into the engine when there is no sound card.

A rock band without its guitar, from a bar line, looped by whoever plays it. Its licence lies beside
it in LICENCE.txt.
"""

from __future__ import annotations

import io
from fractions import Fraction
from importlib import resources

import numpy as np
import soundfile

DEMO_FILE = "rock-095.ogg"
DEMO_BPM = Fraction(95)
DEMO_BARS = 16  # of four beats; the file ends on a bar line, so it loops


def read_demo() -> tuple[np.ndarray, int]:
    """The recording as mono float32 `[samples]` in -1..1, and its sample rate in Hz."""
    audio, rate = read_demo_channels()
    return audio.mean(axis=1, dtype=np.float32), rate


def read_demo_channels() -> tuple[np.ndarray, int]:
    """The recording as float32 `[samples, 2]` in -1..1, and its sample rate in Hz."""
    packed = resources.files(__name__).joinpath(DEMO_FILE).read_bytes()
    audio, rate = soundfile.read(io.BytesIO(packed), dtype="float32", always_2d=True)
    return audio, int(rate)
