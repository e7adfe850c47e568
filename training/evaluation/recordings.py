"""Stems for real recordings, as the rig makes them: do they fit better than another song's?"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from model.generator import StemGenerator
from model.grid import SAMPLE_RATE
from model.instruments import instrument_index
from training.codec.report import read_audio
from training.errors import TrainingError
from training.evaluation.examples import CYCLE
from training.evaluation.fit import Audio, fit
from training.evaluation.generation import Store
from training.evaluation.held_out import BarGrid
from training.evaluation.live import Session, Stem, play_live
from training.evaluation.measuring import LEARNED
from training.evaluation.scenarios import CYCLE as AS_PLAYED
from training.evaluation.scenarios import SHIPPED, Scenario, Variant

PARTS = ("bass", "drums", "piano")
"""What the presets play."""


@dataclass(frozen=True, slots=True)
class Recording:
    """A recording whose first sample is a bar line.

    Attributes:
        file: where it is.
        digest: of the file.
        tempo: beats a minute, four of them in a bar.
        bars: whole bars of it.
        stem: the file of its real stem, None if there is none.
    """

    file: Path
    digest: str
    tempo: float
    bars: int
    stem: Path | None

    @property
    def name(self) -> str:
        """Its name."""
        return self.file.stem

    def played(self, file: Path) -> Audio:
        """The bars that are played along with, of it or of its stem: [samples]."""
        grid = BarGrid(self.tempo)
        return read_audio(file)[grid.start_samples(CYCLE) : grid.start_samples(self.bars)]


def read_recordings(folder: Path) -> tuple[Recording, ...]:
    """The recordings that `index.json` lists, those that are longer than a cycle.

    Raises:
        TrainingError: there is no index.
    """
    index = folder / "index.json"
    if not index.is_file():
        raise TrainingError(f"{index} is missing; valid: a folder with an index of recordings")
    found = []
    for entry in json.loads(index.read_text(encoding="utf-8")):
        file = folder / entry["file"]
        grid = BarGrid(float(entry["bpm"]))
        bars = int(len(read_audio(file)) / SAMPLE_RATE / grid.bar_s + 1e-3)
        digest = hashlib.sha256(file.read_bytes()).hexdigest()[:16]
        stem = folder / entry["stem"] if entry["stem"] else None
        if bars > CYCLE:
            found.append(Recording(file, digest, grid.tempo, bars, stem))
    return tuple(found)


@dataclass(frozen=True, slots=True)
class RecordingStem:
    """A stem of ours along a whole recording, from the end of the first cycle on."""

    recording: Recording
    part: str
    scenario: Scenario = field(default=AS_PLAYED)
    variant: Variant = field(default=SHIPPED)

    def make(self, generator: StemGenerator) -> Stem:
        """Make it, tokens [4, frames] and audio [samples]."""
        recording, instrument = self.recording, instrument_index(self.part)
        session = Session(
            context=read_audio(recording.file),
            grid=BarGrid(recording.tempo),
            instrument=instrument,
            first_bar=CYCLE,
            end_bar=recording.bars,
            seed=0,
            sound=generator.abilities.sound(instrument, 0),
        )
        return play_live(generator, session, self.scenario, self.variant)


@dataclass(frozen=True, slots=True)
class Sides:
    """Figures of the stems of one part, by name.

    Attributes:
        right: mean over recordings with the stem that was made for them.
        wrong: mean over recordings and the stems that were made for each of the others.
        recordings: how many there are.
    """

    right: Mapping[str, float]
    wrong: Mapping[str, float]
    recordings: int


def measure_recordings(store: Store, recordings: Sequence[Recording]) -> dict[str, Sides]:
    """How stems fit the recordings they were made for, and those made for others, by part.

    A stem of another recording is played as it is, repeated to the same length. The real stems are
    a part of their own.
    """
    mixes = {r.name: r.played(r.file) for r in recordings}
    parts: dict[str, dict[str, Audio]] = {
        part: {r.name: store.read(RecordingStem(r, part)).audio for r in recordings}
        for part in PARTS
    }
    parts["the real guitar"] = {r.name: r.played(r.stem) for r in recordings if r.stem}
    sides = {}
    for part, stems in parts.items():
        right: list[dict[str, float]] = []
        wrong: list[dict[str, float]] = []
        for recording in (r for r in recordings if r.name in stems):
            mix = mixes[recording.name]
            for name, stem in stems.items():
                figures = _figures(np.resize(stem, len(mix)), mix, recording.tempo, part)
                (right if name == recording.name else wrong).append(figures)
        if right:
            sides[part] = Sides(_mean(right), _mean(wrong), len(right))
    return sides


def _figures(stem: Audio, mix: Audio, bpm: float, part: str) -> dict[str, float]:
    found = fit(stem, mix, bpm)
    figures = {"lock, sixteenths": found.sixteenth, "lock, eighths": found.eighth}
    if part != "drums":
        figures["chroma"] = found.chroma
    learned: Mapping[str, Callable[[Audio, Audio], float]] = LEARNED
    return {**figures, **{name: score(stem, mix) for name, score in learned.items()}}


def _mean(rows: Sequence[Mapping[str, float]]) -> dict[str, float]:
    return {name: float(np.mean([row[name] for row in rows])) for name in rows[0]} if rows else {}
