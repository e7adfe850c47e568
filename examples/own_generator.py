"""A generator of one's own in the rig: ``python examples/own_generator.py MUSIC BPM STEM``.

What a generator has to offer is in `companion/generate/generator.py`. This one makes a low tone
that fades within each bar, whatever it hears; a request tells it where the bars lie.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from companion.control.preset import parse_preset
from companion.generate.generator import BatchDecoding, Decoding
from companion.generate.inline import InlineWorker
from companion.generate.loading import Loading
from companion.generate.one_by_one import OneByOne
from companion.session.rig import read_recording, run_recording
from companion.session.session import Session
from model.abilities import Abilities
from model.grid import HOP, LEVELS, SAMPLE_RATE
from model.request import StemRequest, StemResult

PRESET = parse_preset("players: [{name: drone, instrument: bass}]\ncount_in_bars: 0", "drone.yaml")


class DroneDecoding:
    """One stem, made in one step."""

    def __init__(self, request: StemRequest) -> None:
        self._request, self.progress = request, 0.0

    def step(self) -> bool:
        """Nothing is left to do after one."""
        self.progress = 1.0
        return False

    def finish(self) -> None:
        """The next step is the last anyway."""

    def cancel(self) -> None:
        """Nothing is under way."""

    def result(self) -> StemResult:
        """Tokens [4, frames] with the prefix as it was given, and audio [frames * 640]."""
        request = self._request
        tokens = np.zeros((LEVELS, request.frames), np.int16)
        tokens[:, : request.prefix_frames] = request.prefix
        # The last two columns of the phase are sine and cosine of the place in the bar.
        place = np.arctan2(request.phase[:, 2], request.phase[:, 3]) / (2 * np.pi) % 1
        fade = np.repeat(1 - place, HOP)
        time_s = np.arange(len(fade)) / SAMPLE_RATE
        tone = 0.3 * fade * np.sin(2 * np.pi * 110 * time_s)
        return StemResult(tokens, tone.astype(np.float32), steps=1, passes=1)


class DroneGenerator:
    """What the rig asks for stems."""

    max_frames = 500
    device = "cpu"
    abilities = Abilities()  # nothing beyond what every generator is told

    def silence(self, frames: int) -> NDArray[np.int16]:
        """Tokens that sound like nothing."""
        return np.zeros((LEVELS, frames), np.int16)

    def sound_of(self, recording: NDArray[np.float32]) -> NDArray[np.float32]:
        """No sound can be chosen."""
        return np.zeros(0, np.float32)

    def start(self, request: StemRequest) -> Decoding:
        """Begin a stem."""
        return DroneDecoding(request)

    def start_together(self, requests: Sequence[StemRequest]) -> BatchDecoding:
        """Begin the stems of several players."""
        return OneByOne(self.start, requests)


def main(music: str, bpm: str, stem: str) -> None:
    """Play along the music on the offline clock, as `companion render` does."""
    read = read_recording(Path(music))
    preset = replace(PRESET, bpm=Fraction(bpm))
    rig = run_recording(1, read.heard, read.rate, music)
    worker = InlineWorker(Loading(DroneGenerator))
    session = Session(preset, rig, worker, preset.store(), origin_samples=0)
    session.run(end_samples=len(read.heard))
    soundfile.write(stem, rig.stream.output, read.rate)  # type: ignore[attr-defined]


if __name__ == "__main__":
    main(*sys.argv[1:])
