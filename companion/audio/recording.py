"""A recording to play along with, as it is read from a file."""

from __future__ import annotations

import io
import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from companion.audio.memory import Samples
from companion.audio.mixdown import mixed_down
from companion.audio.mp3 import whole_mp3
from companion.system.errors import CompanionError

MOST_PEAK = 100.0
"""Louder than this, 40 dB over full scale, samples are no sound but some other kind of number."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What was read.

    Attributes:
        channels: float32 [samples, 1 or 2], finite; a file of more channels as `heard`.
        heard: float32 [samples], what is listened to.
        rate: Hz.
        late_samples: by which everything comes later than the file means it to, at that rate: the
            delay of an MP3 encoder that did not write it down.
    """

    channels: Samples
    heard: Samples
    rate: int
    late_samples: float = 0.0


def open_sound(path: Path) -> soundfile.SoundFile:
    """A sound file to read, whatever bytes its name has; SoundFileError, why, if it is none."""
    try:
        return soundfile.SoundFile(path if os.name == "nt" else os.fsencode(path))
    except soundfile.LibsndfileError as error:  # it would name the file once more, as bytes
        raise soundfile.SoundFileRuntimeError(error.error_string.rstrip(".")) from error


def read_sound(path: Path) -> Recording:
    """A recording at its own rate.

    Raises:
        CompanionError: it is missing, no audio, empty, not finite, or not in -1..1 by far.
    """
    if path.is_dir():
        raise CompanionError(f"recording {path} is a folder; valid: an audio file")
    if not path.is_file():
        raise CompanionError(f"recording {path} is missing; valid: an audio file")
    try:
        with open_sound(path) as file:
            mp3, rate = file.format in ("MP3", "MPEG"), int(file.samplerate)
            audio = file.read(dtype="float32", always_2d=True)
        late_samples = 0
        if mp3:
            whole = whole_mp3(path.read_bytes())
            late_samples = whole.late_samples
            if whole.cut_samples:
                audio, _ = soundfile.read(io.BytesIO(whole.data), dtype="float32", always_2d=True)
                audio = np.concatenate([np.zeros_like(audio[: whole.cut_samples]), audio])
    except (soundfile.SoundFileError, OSError) as error:
        raise CompanionError(
            f"recording {path} is no audio that can be read ({error}); "
            "valid: WAV, FLAC, OGG, AIFF or MP3"
        ) from error
    if not len(audio):
        raise CompanionError(f"recording {path} is empty; valid: at least one bar of music")
    if not np.isfinite(audio).all():
        raise CompanionError(f"recording {path} holds NaN or infinity; valid: finite samples")
    peak = float(np.abs(audio).max())
    if peak > MOST_PEAK:
        raise CompanionError(
            f"recording {path} has samples of up to {peak:.3g}; valid: sound, which is in -1 to 1"
        )
    heard = mixed_down(audio)
    channels = audio if audio.shape[1] <= 2 else heard[:, None]
    return Recording(channels, heard, rate, late_samples)
