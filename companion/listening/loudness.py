"""Sounds that nothing tells apart but the music: equally loud (ITU-R BS.1770), long and faded.

The stem of every condition is as loud beside its context as the others, and every mix as loud as
every other, so that nobody prefers what is only louder.
"""

from __future__ import annotations

import io
import math
import warnings
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pyloudnorm
import soundfile

from companion.audio.memory import Samples

RATE = 48_000
"""Hz, of every sound of a study."""
TARGET_LUFS = -23.0
"""Loudness of every sound: that of broadcasts, which leaves room for peaks."""
CEILING = 0.98
"""Where a peak would come out above this, the whole study is turned down."""
STEM_LU = -6.0
"""Loudness of a stem against its context, where no human stem says how loud it was meant."""
MOST_GAIN_DB = 24.0
"""A stem that would have to be turned up further hardly sounds: it stays that quiet."""
FADE_IN_S, FADE_OUT_S = 0.02, 0.4
BLOCK_S = 0.4
"""The standard's shortest sound to measure."""
BEEP_S, BEEP_HZ, BEEP_EVERY_S = 0.12, 1000.0, 0.35
BEEP_PEAK = 0.25


def loudness(sound: Samples) -> float:
    """Integrated loudness of [samples, channels] at `RATE` in LUFS; -inf for silence.

    A sound shorter than a block of the standard is measured as if it went on.
    """
    repeats = math.ceil(BLOCK_S * RATE / len(sound))
    with warnings.catch_warnings():  # it takes the logarithm of silence
        warnings.simplefilter("ignore")
        measured = float(pyloudnorm.Meter(RATE).integrated_loudness(np.tile(sound, (repeats, 1))))
    return measured if math.isfinite(measured) else -math.inf


def mixed(context: Samples, stem: Samples, stem_lu: float) -> Samples:
    """A context with a stem.

    Args:
        context: [samples, channels].
        stem: [samples], as long.
        stem_lu: how loud the stem is to be, against the context, LU.

    Returns:
        [samples, channels], not yet as loud as it is to be.
    """
    # A mono stem comes from as many channels as the context has, each of which adds to it.
    spread = np.repeat(stem[:, None], context.shape[1], axis=1)
    wanted_db = loudness(context) + stem_lu - loudness(spread)
    gain = decibels(min(wanted_db, MOST_GAIN_DB)) if math.isfinite(wanted_db) else 1.0
    return (context + np.float32(gain) * spread).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Level:
    """What brings a sound to `TARGET_LUFS`.

    Attributes:
        gain: a factor; 0 for silence.
        peak: the largest sample that comes out then.
    """

    gain: float
    peak: float


def level(sound: Samples) -> Level:
    """The level of a sound [samples, channels]."""
    measured = loudness(sound)
    gain = decibels(TARGET_LUFS - measured) if math.isfinite(measured) else 0.0
    return Level(gain, gain * float(np.abs(sound).max()))


def turned_down(levels: Iterable[Level]) -> float:
    """The factor for all sounds of a study at which none of them clips: 1, or less."""
    return min(1.0, CEILING / max(CEILING, *(level.peak for level in levels)))


def with_fades(sound: Samples) -> Samples:
    """The same with a short fade at its start and a longer one at its end."""
    length = len(sound)
    envelope = np.ones(length, np.float32)
    fade_in, fade_out = (min(round(s * RATE), length // 4) for s in (FADE_IN_S, FADE_OUT_S))
    envelope[:fade_in] = _rise(fade_in)
    envelope[length - fade_out :] *= _rise(fade_out)[::-1]
    return sound * envelope[:, None]


def with_beeps(sound: Samples, count: int) -> Samples:
    """The same with so many beeps over it, evenly spaced around its middle."""
    length = round(BEEP_S * RATE)
    every = min(round(BEEP_EVERY_S * RATE), len(sound) // max(count, 1))
    time_s = np.arange(min(length, every)) / RATE
    beep = BEEP_PEAK * np.sin(2 * np.pi * BEEP_HZ * time_s) * np.hanning(len(time_s))
    made = sound.copy()
    first = (len(sound) - (count - 1) * every - len(beep)) // 2
    for at in range(first, first + count * every, every):
        made[at : at + len(beep)] += beep[:, None].astype(np.float32)
    peak = float(np.abs(made).max())
    return made if peak <= CEILING else made * np.float32(CEILING / peak)


def flac(sound: Samples) -> bytes:
    """A sound as a file that tells nothing but itself: 16-bit FLAC."""
    file = io.BytesIO()
    soundfile.write(file, np.clip(sound, -1.0, 1.0), RATE, subtype="PCM_16", format="FLAC")
    return file.getvalue()


def decibels(gain_db: float) -> float:
    """A gain in dB as a factor."""
    return float(10.0 ** (gain_db / 20.0))


def _rise(length: int) -> Samples:
    return (0.5 - 0.5 * np.cos(np.pi * (np.arange(length) + 0.5) / max(1, length))).astype(
        np.float32
    )
