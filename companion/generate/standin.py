"""A generator without weights: one sharp marker on each bar line.

For rehearsal without a model, and for proofs of timing: the marker's first sample is its loudest,
so where it is heard tells where the bar line was. It finds bar lines as the model does, in the
clock's phase, and is silent where the context is. Its tokens say all there is to hear (marker or
not, where in the frame, which pitch, how loud), so a prefix of them sounds again as it sounded
before. What a recording sounds like is to it how loud that is: markers are as loud.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from companion.audio.silence import is_silent
from companion.generate.one_by_one import OneByOne
from model.abilities import Abilities
from model.grid import HOP, LEVELS, SAMPLE_RATE
from model.request import SOURCES, StemRequest, StemResult
from model.terms import guidance_terms

AMPLITUDE = 0.5
LENGTH_SAMPLES = round(0.030 * SAMPLE_RATE)
DECAY_SAMPLES = round(0.006 * SAMPLE_RATE)
LOUDEST = 2000
"""Token of a marker at full scale; half of it is exactly half."""
PITCHES = 24
"""Semitones from 220 Hz up that markers are played at."""
_NEAR = 1e-5  # bars; the phase is float32, so a bar line may seem this far off


class StandInGenerator:
    """Same interface as the model's generator; see the module."""

    max_frames = 512
    device = "cpu"
    abilities = Abilities(sources=SOURCES)

    def silence(self, frames: int) -> NDArray[np.int16]:
        """Tokens int16 [4, frames] without a marker."""
        return np.zeros((LEVELS, frames), np.int16)

    def sound_of(self, recording: NDArray[np.float32]) -> NDArray[np.float32]:
        """How loud the recording is: its RMS [1], at most 1."""
        loud = np.sqrt(np.mean(np.square(recording))) if recording.size else 0.0
        return np.array([min(loud, 1.0)], np.float32)

    def start(self, request: StemRequest) -> StandInDecoding:
        """Begin a stem of markers."""
        return StandInDecoding(request)

    def start_together(self, requests: Sequence[StemRequest]) -> OneByOne:
        """Begin several."""
        return OneByOne(self.start, requests)


class StandInDecoding:
    """Takes as many steps as the request asks for, though it needs none."""

    def __init__(self, request: StemRequest) -> None:
        """Nothing is computed before `result`."""
        self._request = request
        self._steps = sum(request.decode.steps)
        self._done = self._taken = 0

    @property
    def progress(self) -> float:
        """Share of the steps taken, 0..1."""
        return self._done / self._steps

    def step(self) -> bool:
        """Take one step; True while there are more."""
        self._taken += self._done < self._steps
        self._done = min(self._done + 1, self._steps)
        return self._done < self._steps

    def finish(self) -> None:
        """The next step is the last."""
        self._done = max(self._done, self._steps - 1)

    def cancel(self) -> None:
        """No more steps."""
        self._done = self._steps

    def result(self) -> StemResult:
        """The prefix as given, then a marker on each bar line unless the context is silent."""
        request = self._request
        tokens = np.zeros((LEVELS, request.frames), np.int16)
        if not is_silent(request.context, request.context_known):
            loud = float(request.sound[0]) if request.sound.size else AMPLITUDE
            loudness = round(min(loud, 1.0) * LOUDEST)
            pitch = (7 * request.instrument + request.seed) % PITCHES
            for sample in bar_line_samples(request.phase):
                frame, offset = divmod(sample, HOP)
                tokens[:, frame] = (1, offset, pitch, loudness)
        tokens[:, : request.prefix_frames] = request.prefix
        passes = self._taken * len(guidance_terms(request.guidance, request.form))
        return StemResult(tokens, audio_of(tokens), steps=self._taken, passes=passes)


def bar_line_samples(phase: NDArray[np.float32]) -> list[int]:
    """Samples (32 kHz, from the window's start) of the bar lines in `phase` [frames, 4].

    The bar position is exact at frame starts and taken as straight between them; a bar line between
    two samples belongs to the later one. In the last frame the tempo of the one before goes on.
    """
    turns = np.arctan2(phase[:, 2], phase[:, 3]).astype(np.float64) / (2 * np.pi)
    advance = np.diff(turns) % 1.0
    last = advance[-1] if len(advance) else 0.0
    start = turns[0] % 1.0
    if start > 1.0 - _NEAR:
        start -= 1.0
    bars = start + np.concatenate([[0.0], np.cumsum(np.append(advance, last))])
    lines = np.arange(np.ceil(bars[0] - _NEAR), np.ceil(bars[-1] - _NEAR))
    samples = np.interp(lines, bars, np.arange(len(bars)) * float(HOP))
    return [int(sample) for sample in np.ceil(samples - 0.02)]


def audio_of(tokens: NDArray[np.int16]) -> NDArray[np.float32]:
    """Tokens [4, frames] -> audio float32 [frames * 640], 32 kHz: the markers they tell of."""
    audio = np.zeros(tokens.shape[1] * HOP, np.float32)
    time = np.arange(LENGTH_SAMPLES)
    for frame in np.flatnonzero(tokens[0]):
        start = int(frame) * HOP + int(tokens[1, frame])
        pitch_hz = 220.0 * 2.0 ** (int(tokens[2, frame]) / 12)
        marker = np.exp(-time / DECAY_SAMPLES) * np.cos(2 * np.pi * pitch_hz / SAMPLE_RATE * time)
        length = min(LENGTH_SAMPLES, len(audio) - start)
        loud = np.float32(int(tokens[3, frame]) / LOUDEST)
        audio[start : start + length] += loud * marker[:length].astype(np.float32)
    return audio
