"""A recording to play along with, as it is read from a file."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile

from companion.audio.memory import Samples
from companion.errors import CompanionError
from companion.mixdown import mixed_down

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
            audio, rate = file.read(dtype="float32", always_2d=True), int(file.samplerate)
            mp3 = file.format in ("MP3", "MPEG")
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
    return Recording(channels, heard, rate, delay_samples(path) if mp3 else 0)


# --- MP3 -----------------------------------------------------------------------------------------

MP3_DELAY = 1105
"""Samples by which the sound of an MP3 comes late where the file does not say: 576 that the usual
encoder puts before it, 529 of every decoder. Where it says, who decodes it has taken that off."""
_VERSIONS = (3, 2, 0)  # of MPEG audio: 1, 2, 2.5


def delay_samples(path: Path) -> int:
    """What is left of an MP3's delay after decoding, in samples; 0 if it cannot be known."""
    with path.open("rb") as file:
        head = file.read(10)
        start = 0
        if head[:3] == b"ID3" and len(head) == 10:  # tags may come before the sound
            size = sum(
                byte << 7 * place for byte, place in zip(head[6:], (3, 2, 1, 0), strict=True)
            )
            start = 10 + size + (10 if head[5] & 0x10 else 0)
        file.seek(start)
        frame = file.read(4096)
    at = _first_frame(frame)
    return MP3_DELAY if at is None or not _says_delay(frame[at:]) else 0


def _first_frame(data: bytes) -> int | None:
    """Where a frame of layer III begins."""
    for at in range(len(data) - 4):
        version, layer = data[at + 1] >> 3 & 3, data[at + 1] >> 1 & 3
        if data[at] == 0xFF and data[at + 1] >= 0xE0 and layer == 1 and version in _VERSIONS:
            return at
    return None


def _says_delay(frame: bytes) -> bool:
    """Whether a first frame is the tag of an encoder that tells its delay."""
    mono, newest = frame[3] >> 6 == 3, frame[1] >> 3 & 3 == 3
    side = (17 if mono else 32) if newest else (9 if mono else 17)
    tag = frame[4 + side :][:200]
    if tag[:4] not in (b"Xing", b"Info"):
        return False
    has = tag[7]
    fields = 8 + 4 * (has & 1) + 4 * (has >> 1 & 1) + 100 * (has >> 2 & 1) + 4 * (has >> 3 & 1)
    return len(tag) > fields and tag[fields] != 0  # the encoder's name, then what it tells
